"""What each verb takes, as the user writes it. Field descriptions are the documentation of the format.

The names are those of the adapters' own arguments; a duration is written with its unit (`wait: 5s`) where an
adapter has seconds (`wait_s`). What one key demands of another is in `runbooks.rules`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from keelwatch.workspace.reader import Duration, SecretReference, StrictModel, matching

NAME = r"[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?"
INPUT = r"\$[a-z][a-z0-9_]{0,40}"


class IsRegion:
    """Marks the texts that name a region, so that they are compared with those of the environment."""


Ref = Annotated[str, *matching(f"{NAME}|{INPUT}", "a name of a-z, 0-9 and inner dashes, or an input: $name")]
Region = Annotated[str, *matching(f"{NAME}|{INPUT}", "the name of a region, or an input: $name"), IsRegion()]
Weight = Annotated[int, Field(ge=0, le=256)]
Percent = Annotated[int, Field(ge=1, le=100)]
Status = Annotated[int, Field(ge=100, le=599)]


class EdgeWeight(StrictModel):
    """How much of the customers each region gets: set `weights` at once, or move them `to` one region,
    `away_from` another, in stages."""

    model_config = ConfigDict(
        **StrictModel.model_config,
        json_schema_extra={"oneOf": [{"required": ["weights"]}, {"required": ["to"]}]},
    )

    weights: dict[Region, Weight] | None = Field(
        None, description="Region to the weight of each of its servers, 0..256"
    )
    to: Region | None = Field(None, description="The region that gets the customers")
    away_from: Region | None = Field(None, description="The region that loses them")
    ramp: list[Percent] | None = Field(
        None,
        min_length=1,
        description="The share of `to` in percent, stage by stage (default: 100 at once)",
    )
    hold: Duration | None = Field(None, description="How long each stage must stand before the next one")


class EdgeDrain(StrictModel):
    """No new customers for a region; those who are there may finish."""

    region: Region
    wait: Duration | None = Field(
        None, description="How long their sessions may take to end, at most 20s (default 10s)"
    )


class InRegion(StrictModel):
    """A verb whose one argument is the region it is for."""

    region: Region


class PgLag(StrictModel):
    """Whether the standby of a region keeps up. It only reads."""

    region: Region = Field(description="The region of the standby")
    max: Duration | None = Field(None, description="The most it may be behind in time")
    max_bytes: int | None = Field(None, ge=0, description="The most it may be behind in bytes of WAL")


class PgPromote(StrictModel):
    """The standby of a region becomes the primary. A graceful run refuses unless it replayed everything."""

    region: Region = Field(description="The region of the standby")
    wait: Duration | None = Field(
        None, description="Graceful: how long replaying the rest may take, at most 10s (default 5s)"
    )


class HttpCall(StrictModel):
    """A request that changes something. It carries the same idempotency key at every attempt."""

    method: Literal["post", "put", "patch", "delete"] = "post"
    url: str = Field(description="A URL, or a path of the portal; $inputs are filled in")
    region: Region | None = Field(None, description="With a path: the entrance of this region")
    headers: dict[str, str] = Field(default_factory=dict, description="Never with a secret")
    bearer: SecretReference | None = Field(None, description="Where its token is: env:NAME, file:PATH, ...")
    body: JsonValue = Field(None, description="Sent as JSON; $inputs are filled in")
    status: list[Status] | None = Field(None, min_length=1, description="What it must answer (default: 2xx)")
    key_header: str = Field("Idempotency-Key", description="The header that carries the idempotency key")


class SessionsRevoke(StrictModel):
    """Log customers out everywhere."""

    accounts: list[str] | None = Field(
        None, min_length=1, description="Whose sessions; $inputs are filled in (default: everybody's)"
    )


class FlagSet(StrictModel):
    """Switch something of the portal on, off or over."""

    flag: Ref
    to: str | bool | int = Field(description="Its new value")
    region: Region | None = Field(None, description="In this region alone (default: in all)")


class Probe(StrictModel):
    """Customers' journeys must pass in a region. What they change, they take back."""

    journeys: list[Ref] | None = Field(None, min_length=1, description="Their names (default: all of them)")
    region: Region
    ok_for: Duration | None = Field(None, description="They must go on passing for so long (default: once)")


class SloHold(StrictModel):
    """The error budget must not burn faster than this."""

    below: float = Field(14.4, gt=0, description="The burn rate that is too much")
    window: Duration | None = Field(None, description="Over this window (default: 5m)")
    duration: Duration | None = Field(
        None, alias="for", description="It must stay so for this long (default: asked once)"
    )
    region: Region | None = Field(None, description="Of this region alone (default: of all)")
    objectives: list[Ref] | None = Field(
        None, min_length=1, description="Of these objectives (default: every one)"
    )


class Notify(StrictModel):
    """Tell people: by a webhook, or a command of yours. What comes of it is never asked."""

    model_config = ConfigDict(
        **StrictModel.model_config,
        json_schema_extra={"oneOf": [{"required": ["webhook"]}, {"required": ["command"]}]},
    )

    text: str = Field(min_length=1, description="What to say; $inputs are filled in")
    webhook: SecretReference | None = Field(
        None, description="Where its URL is, for who has that may speak: env:NAME, file:PATH, command:WORDS"
    )
    command: list[str] | None = Field(None, min_length=1, description="Words; the text comes on its stdin")


class Shell(StrictModel):
    """A command of yours. Nobody but you can tell whether it worked: let a `human` look afterwards."""

    command: list[str] = Field(min_length=1, description="Words; no shell reads them. $inputs are filled in")
