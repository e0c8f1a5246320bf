"""What an experiment says to us: our own extension of Chaos Toolkit's format. Field descriptions are the
documentation; everything else in the file is Chaos Toolkit's, and judged by it."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from chaos.bounds import USUAL_EVERY_S
from keelwatch.safety.spec import GuardSpec
from keelwatch.workspace.model import Name
from keelwatch.workspace.reader import SomeTime, StrictModel

EXTENSION = "keelwatch"


class ChaosGuard(GuardSpec):
    most_time: SomeTime | None = Field(None, description="How long the whole experiment may take")


class BlastRadius(StrictModel):
    """What may be struck. An act outside of it is refused before it acts, and ends the experiment."""

    components: list[Name] | None = Field(None, min_length=1, description="Components that may be struck")
    regions: list[Name] | None = Field(None, min_length=1, description="Regions that may be struck")
    percent: float | None = Field(
        None,
        gt=0,
        le=100,
        description="The largest share of requests that an act may fail, in percent: a fault of errors says "
        "it by its value, and every other act counts as 100",
    )
    at_once: int | None = Field(None, ge=1, description="How many acts may be in force at the same time")


class Broken(StrictModel):
    """A journey in a region."""

    journey: Name
    region: Name


class Extension(StrictModel):
    """The entry `name: keelwatch` of an experiment's `extensions`."""

    name: Literal["keelwatch"]
    component: Name | None = Field(None, description="The component that is put to the test")
    guard: ChaosGuard
    blast_radius: BlastRadius | None = None
    budget: float = Field(
        1.0,
        gt=0,
        le=100,
        description="What it may spend of the period's error budget of each objective of the guard, "
        "in percent: set aside before, settled afterwards",
    )
    reaches: str | None = Field(
        None,
        min_length=1,
        description="PromQL that does not hold before the method, and must hold at some moment of it: the "
        "proof that the fault reached traffic, without which nothing passes",
    )
    breaks: Broken | None = Field(
        None,
        description="In place of `reaches`: a journey that passes before the method, and must fail at some "
        "moment of it",
    )
    every: SomeTime = Field(
        timedelta(seconds=USUAL_EVERY_S),
        description="During the method the hypothesis is asked again and again, with this pause in between "
        "(default: 5s); of a method that lasts longer, not asked even once, nothing passes",
    )
    stop_at_deviation: bool = Field(
        default=False, description="End the method at once when the hypothesis does not hold"
    )
    expect: Literal["pass", "fail"] | None = Field(None, description="The verdict that is expected")


class ExperimentSpec(BaseModel):
    """A Chaos Toolkit experiment; its own keys are described at chaostoolkit.org."""

    model_config = ConfigDict(extra="allow", title="A Chaos Toolkit experiment")

    title: str
    description: str
    method: list[dict[str, JsonValue]]
    extensions: list[Extension | dict[str, JsonValue]] = Field(default_factory=list)
