"""A load profile as the user writes it. Field descriptions are the documentation of the format.

What one key demands of another is in `loadtests.rules`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import ConfigDict, Field, JsonValue

from keelwatch.safety.spec import GuardSpec
from keelwatch.workspace.model import Name
from keelwatch.workspace.reader import Duration, StrictModel, matching
from loadtests.instance import MOST_RATE


def _one_of(*keys: str) -> ConfigDict:
    """What an editor is told; `loadtests.rules` says it to everybody else."""
    choices: list[JsonValue] = [{"required": [key]} for key in keys]
    return ConfigDict(**StrictModel.model_config, json_schema_extra={"oneOf": choices})


Variable = Annotated[
    str, *matching(r"^(?!LOCUST_)[A-Za-z_][A-Za-z0-9_]*$", "the name of a variable, and none of Locust's own")
]


class Share(StrictModel):
    """A journey that customers of this load take."""

    journey: Name
    weight: int = Field(1, ge=1, le=1000, description="How often, beside the weights of the others")


class StageSpec(StrictModel):
    """A level held, or led up to, for a time."""

    model_config = _one_of("rate", "users")

    rate: float | None = Field(
        None, ge=0, le=MOST_RATE, description="open: journeys that begin in a second, in all regions together"
    )
    users: int | None = Field(
        None, ge=0, le=MOST_RATE, description="closed: customers, each of whom waits for the answer"
    )
    for_: Duration = Field(alias="for")
    ramp: bool = Field(
        default=False, description="Lead up (or down) to the level in a line, from that of the stage before"
    )


class Threshold(StrictModel):
    """What must hold of the load's own requests, or it has failed: exactly one of `objective`, `percentile`
    and `failures_below`."""

    model_config = _one_of("objective", "percentile", "failures_below")

    objective: Name | None = Field(
        None,
        description="An objective, asked of the source for this load's traffic instead of the customers'",
    )
    percentile: float | None = Field(None, gt=0, lt=100, description="Of the times, with `below`")
    below: Duration | None = Field(None, description="What the percentile must stay under")
    of: Literal["response", "service"] = Field(
        "response",
        description="`response`: from when the request was due; `service`: from when it was sent",
    )
    failures_below: float | None = Field(
        None,
        gt=0,
        le=100,
        description="Which part of the requests, and of the journeys, may fail, in percent",
    )
    request: str | None = Field(None, min_length=1, description="Of requests of this name alone")


class ProfileSpec(StrictModel):
    """A load: who comes, how many, for how long, what must hold, and what ends it."""

    model_config = ConfigDict(**StrictModel.model_config, title="A load profile")

    profile: Name
    title: str = Field(min_length=1, description="What it is like, in a sentence")
    owner: str = Field(min_length=1, description="The team that keeps it right")
    journeys: list[Share] | None = Field(None, min_length=1, description="What customers do; or `locustfile`")
    pool: Name | None = Field(
        None,
        description="Whose accounts log in, in place of those of each journey's own pool: one that only"
        " load uses, with 30 accounts for each login per second: each logs in once per one-time code",
    )
    locustfile: str | None = Field(
        None, min_length=1, description="An existing locustfile, run as it is; relative to this file"
    )
    model: Literal["open", "closed"] = Field(
        description="`open`: they come when they come, however slow the answers are; `closed`: so many,"
        " each of whom waits for an answer before the next request"
    )
    arrivals: Literal["poisson", "paced"] = Field(
        "poisson", description="open: independent of each other, or evenly spread"
    )
    most_in_flight: int = Field(
        500,
        ge=1,
        le=10_000,
        description="open: arrivals beyond so many unanswered ones are dropped, and counted",
    )
    stages: list[StageSpec] = Field(min_length=1, max_length=50)
    warm_up: Duration | None = Field(None, description="At the start: applied, and not measured")
    variables: list[Variable] = Field(
        default_factory=list,
        description="Of your environment, handed on to the generators: a locustfile gets no others but PATH, "
        "HOME and their like, and those that secrets of accounts and journeys are in (env:NAME)",
    )
    processes: int = Field(1, ge=1, le=16, description="Generators; more than one needs as many cores")
    thresholds: list[Threshold] = Field(default_factory=list)
    guard: GuardSpec
    budget: float = Field(
        1.0,
        gt=0,
        le=100,
        description="What it may spend of the period's error budget of each of its objectives, "
        "in percent: set aside before, settled afterwards",
    )
