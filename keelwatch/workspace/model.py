"""`keelwatch.yaml` as the user writes it. Field descriptions are the documentation of the format.

What one key demands of another is in `rules`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from keelwatch.workspace import http_url
from keelwatch.workspace.estate import EDGE_WORD
from keelwatch.workspace.paths import SANDBOX_NAME, SANDBOX_NAME_IN_WORDS
from keelwatch.workspace.reader import Duration, SecretReference, StrictModel, matching, without_flaw

Name = Annotated[
    str, *matching(r"^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$", "a name of a-z, 0-9 and inner dashes")
]
HttpUrl = Annotated[str, *without_flaw(http_url.flaw, http_url.EXPECTED, http_url.PATTERN)]
EdgeWord = Annotated[str, *matching(EDGE_WORD, "a name as HAProxy has them: A-Z, a-z, 0-9, and - _ . :")]
SandboxName = Annotated[str, *matching(f"^{SANDBOX_NAME}$", SANDBOX_NAME_IN_WORDS)]


class Role(StrEnum):
    VIEWER = "viewer"
    OPERATOR = "operator"
    APPROVER = "approver"


class Arming(StrEnum):
    REQUIRED = "required"
    FREE = "free"


class BasicAuth(StrictModel):
    username: str = Field(description="User name of HTTP basic authentication")
    password: SecretReference = Field(
        description="Where the password is: env:NAME, file:PATH or command:WORDS"
    )


class PrometheusSpec(StrictModel):
    """A Prometheus, or anything that answers its query API."""

    url: HttpUrl = Field(description="Base URL, without /api/v1; never with a password, query or fragment")
    ca: str | None = Field(None, description="PEM file of the CA that signed its certificate")
    basic: BasicAuth | None = Field(None, description="HTTP basic authentication")
    bearer: SecretReference | None = Field(None, description="Where the bearer token is")
    tenant: str | None = Field(None, description="Sent as X-Scope-OrgID (Mimir, Cortex, Loki)")
    stale_after: Duration | None = Field(
        None, description="A newest sample older than this makes the short windows unknown (default 150s)"
    )


class PortalSpec(StrictModel):
    """Where customers go in, and journeys with them."""

    url: HttpUrl = Field(description="The entrance that customers use")
    regions: dict[Name, HttpUrl] = Field(
        default_factory=dict, description="Region to its own entrance (default: `url` for all)"
    )
    also: list[HttpUrl] = Field(
        default_factory=list, description="Other addresses journeys may ask, an identity provider's for one"
    )
    ca: str | None = Field(None, description="PEM file of the CA that signed its certificates")


class MailSpec(StrictModel):
    """Where the mail to synthetic customers can be read."""

    api: HttpUrl = Field(description="Base URL of a Mailpit, or of anything that answers its /api/v1")
    ca: str | None = Field(None, description="PEM file of the CA that signed its certificate")


class AccountSpec(StrictModel):
    """A synthetic customer. Nobody's own account: journeys change what it has."""

    name: str = Field(min_length=1, description="What it logs in with")
    region: Name | None = Field(None, description="Leased first by journeys of this region")
    password: SecretReference = Field(description="Where its password is")
    totp: SecretReference | None = Field(None, description="Where its TOTP secret (base32) is")
    mailbox: str | None = Field(None, description="Its mail address")


class AddressSpec(StrictModel):
    """Where a server listens."""

    host: str = Field(min_length=1, description="Host name or address")
    port: int = Field(ge=1, le=65535, description="TCP port")


class EdgeSpec(StrictModel):
    """The HAProxy that shares customers out among the regions, by its runtime API."""

    socket: str = Field(
        min_length=1, description="Its admin socket (`stats socket PATH level admin`), relative to this file"
    )
    backend: EdgeWord = Field(description="The backend whose servers carry the weights")
    servers: dict[Name, list[EdgeWord]] = Field(min_length=1, description="Region to its servers there")


class DatabaseSpec(StrictModel):
    """PostgreSQL: one server a region, a primary and its streaming standbys. No pooler in between."""

    user: str = Field(min_length=1, description="A superuser: fencing changes settings and ends sessions")
    password: SecretReference = Field(description="Where its password is")
    name: str = Field("postgres", min_length=1, description="The database to log in to")
    ca: str | None = Field(
        None, description="PEM file of the CA that signed the servers' certificates; demands TLS"
    )
    regions: dict[Name, AddressSpec] = Field(min_length=1, description="Region to its server")


class CacheSpec(StrictModel):
    """Redis: one server a region, a primary and its replicas. No Sentinel, no cluster."""

    user: str | None = Field(None, description="ACL user (default: the default user)")
    password: SecretReference | None = Field(None, description="Where its password is")
    ca: str | None = Field(
        None, description="PEM file of the CA that signed the servers' certificates; demands TLS"
    )
    regions: dict[Name, AddressSpec] = Field(min_length=1, description="Region to its server")


class PolicySpec(StrictModel):
    roles: dict[str, Role] = Field(
        default_factory=dict, description="Login name to role; `*` is everybody else (default: operator)"
    )
    arming: dict[Literal["probe", "load", "chaos", "runbook"], Arming] = Field(
        default_factory=dict, description="Which kinds of run need arming first (default: all but probe)"
    )
    drill_approvals: bool = Field(
        default=False,
        description="Whether one person may approve in another's name (`--approve-as`); for practice alone",
    )


class EnvironmentSpec(StrictModel):
    source: Literal["sandbox"] | None = Field(
        None, description="`sandbox`: addresses come from a running sandbox"
    )
    sandbox: SandboxName = Field("main", description="Which sandbox, with `source: sandbox`")
    prometheus: PrometheusSpec | None = Field(None, description="Where the metrics are, without a sandbox")
    regions: list[Name] = Field(min_length=1, description="The regions that serve customers")
    portal: PortalSpec | None = Field(None, description="Where journeys go in (a sandbox brings its own)")
    mail: MailSpec | None = Field(None, description="Where journeys read mail (a sandbox brings its own)")
    accounts: dict[Name, list[AccountSpec]] = Field(
        default_factory=dict, description="Pool to its synthetic customers (a sandbox brings its own)"
    )
    edge: EdgeSpec | None = Field(None, description="What shares traffic out (a sandbox brings its own)")
    database: DatabaseSpec | None = Field(None, description="What runbooks fail over (as above)")
    cache: CacheSpec | None = Field(None, description="What runbooks fail over (as above)")
    policy: PolicySpec = Field(default_factory=PolicySpec, description="Who may do what here")


class ComponentSpec(StrictModel):
    owner: str = Field(description="The team that is called")
    tier: int = Field(ge=1, le=4, description="1 = customers notice at once")
    regions: list[Name] | None = Field(None, description="Where it runs (default: every region)")
    depends_on: list[Name] = Field(default_factory=list, description="Components it calls")


class SpecFolders(StrictModel):
    """Where the specs are, relative to `keelwatch.yaml`."""

    slo: str = "slo"
    probes: str = "probes"
    loadtests: str = "loadtests"
    chaos: str = "chaos"
    runbooks: str = "runbooks"


class WorkspaceSpec(StrictModel):
    """The top of a workspace."""

    keelwatch: Literal[1] = Field(description="Version of this format")
    environments: dict[Name, EnvironmentSpec] = Field(min_length=1)
    components: dict[Name, ComponentSpec] = Field(default_factory=dict)
    specs: SpecFolders = Field(default_factory=SpecFolders)
