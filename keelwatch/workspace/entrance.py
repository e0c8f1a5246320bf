"""Where journeys go in: an environment's entrances, its mail, and its pools of synthetic customers.

From `keelwatch.yaml`, or from the files that a running sandbox writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from keelwatch.workspace.errors import SourceError, UsageError
from keelwatch.workspace.paths import endpoints_path
from keelwatch.workspace.secret import Secret, resolve

if TYPE_CHECKING:
    from keelwatch.workspace.model import AccountSpec, EnvironmentSpec

START = "keelwatch sandbox up"


class _Sealed:
    """A secret that nobody has asked for yet: the sink looks for each `Secret` in all that is written,
    and a pool may hold a thousand."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def opened(self) -> Secret:
        return Secret(self._value)


@dataclass(frozen=True, slots=True)
class Account:
    """A synthetic customer. Its secrets are fetched when they are asked for, and never stored."""

    name: str
    region: str | None
    mailbox: str
    _password: str | _Sealed
    _totp: str | _Sealed | None
    _base: Path

    @property
    def has_codes(self) -> bool:
        """Whether it needs a one-time code to log in."""
        return self._totp is not None

    def password(self) -> Secret:
        """Raises `SourceError` when the reference leads nowhere."""
        return self._had(self._password)

    def totp(self) -> Secret | None:
        return None if self._totp is None else self._had(self._totp)

    def _had(self, secret: str | _Sealed) -> Secret:
        return secret.opened() if isinstance(secret, _Sealed) else resolve(secret, self._base)


@dataclass(frozen=True, slots=True)
class Entrance:
    """`regions` maps each region to the base URL of its own entrance; `hosts` are all the (scheme, host,
    port) that journeys may ask. `mail_api` is empty where mail cannot be read."""

    environment: str
    edge: str
    regions: Mapping[str, str]
    hosts: frozenset[tuple[str, str, int]]
    ca: Path | None
    mail_api: str
    mail_ca: Path | None
    pools: Mapping[str, Sequence[Account]]

    def base(self, region: str) -> str:
        """Raises `UsageError` for a region that the environment does not have."""
        try:
            return self.regions[region]
        except KeyError:
            known = ", ".join(self.regions)
            raise UsageError(f"no region {region!r} in {self.environment}", f"there are: {known}") from None

    def other(self, region: str) -> str:
        """The region after `region`, in the order of the environment; itself when it is alone."""
        names = list(self.regions)
        return names[(names.index(region) + 1) % len(names)]

    def pool(self, name: str) -> Sequence[Account]:
        try:
            return self.pools[name]
        except KeyError:
            hint = "there are: " + ", ".join(self.pools) if self.pools else "add `accounts` to keelwatch.yaml"
            raise UsageError(f"no pool of accounts {name!r} in {self.environment}", hint) from None


def entrance_of(name: str, environment: EnvironmentSpec, root: Path) -> Entrance:
    """The entrance of an environment; `root` is the workspace's folder, to which its files are relative.

    Raises `SourceError` when its sandbox does not run, `UsageError` when it has no `portal`.
    """
    if environment.source == "sandbox":
        return _of_sandbox(name, environment)
    portal, mail = environment.portal, environment.mail
    if portal is None:
        raise UsageError(f"{name} has no portal, so no journey can go in", "add `portal: {url: ...}` to it")
    regions = {region: portal.regions.get(region, portal.url) for region in environment.regions}
    return Entrance(
        environment=name,
        edge=portal.url,
        regions=regions,
        hosts=_hosts([portal.url, *regions.values(), *portal.also]),
        ca=root / portal.ca if portal.ca else None,
        mail_api=mail.api if mail else "",
        mail_ca=root / mail.ca if mail and mail.ca else None,
        pools={pool: [_declared(one, root) for one in ones] for pool, ones in environment.accounts.items()},
    )


def find_entrance(workspace: Path, environment: str, sandbox: str = "") -> Entrance:
    """The entrance as it is declared now; `sandbox` names another sandbox than the environment does.

    Raises `InputError` for a bad workspace, `UsageError` for an environment that it does not have or that has
    no `portal`, and `SourceError` when its sandbox does not run.
    """
    from keelwatch.workspace.workspace import load_workspace

    loaded = load_workspace(workspace)
    name, spec = loaded.environment(environment)
    if sandbox:
        spec = spec.model_copy(update={"sandbox": sandbox})
    return entrance_of(name, spec, loaded.root)


def _declared(spec: AccountSpec, root: Path) -> Account:
    return Account(spec.name, spec.region, spec.mailbox or "", spec.password, spec.totp, root)


def _of_sandbox(name: str, environment: EnvironmentSpec) -> Entrance:
    path = endpoints_path(environment.sandbox)
    try:
        endpoints = json.loads(path.read_text())
        urls = {str(key): str(url) for key, url in endpoints["urls"].items()}
        accounts = json.loads(Path(endpoints["accounts_file"]).read_text())
        regions = {region: urls[f"{region}-edge"] for region in environment.regions}
        return Entrance(
            environment=name,
            edge=urls["edge"],
            regions=regions,
            hosts=_hosts([urls["edge"], *regions.values()]),
            ca=Path(endpoints["ca_file"]),
            mail_api=urls["mail"],
            mail_ca=None,
            pools={pool: [_made_up(one, path.parent) for one in ones] for pool, ones in accounts.items()},
        )
    except FileNotFoundError:
        raise SourceError(f"the sandbox {environment.sandbox} is not running", START) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"cannot read where the sandbox {environment.sandbox} is: {type(error).__name__} in {path}",
            "it may be of another version: keelwatch sandbox down, then up",
        ) from None


def _made_up(account: Mapping[str, str], base: Path) -> Account:
    totp = account.get("totp")
    return Account(
        name=account["name"],
        region=account["region"],
        mailbox=account["mailbox"],
        _password=_Sealed(account["password"]),
        _totp=_Sealed(totp) if totp else None,
        _base=base,
    )


def _hosts(urls: Sequence[str]) -> frozenset[tuple[str, str, int]]:
    return frozenset(address_of(url) for url in urls)


def address_of(url: str) -> tuple[str, str, int]:
    """(scheme, host, port) of an absolute http or https URL. Raises `ValueError` for another text."""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise ValueError(url)
    return parts.scheme, parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
