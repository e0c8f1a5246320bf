"""What one key of a profile demands of another, which its model cannot state."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from probes.flaw import Flaw

if TYPE_CHECKING:
    from keelwatch.workspace.document import Document, Loc
    from keelwatch.workspace.errors import Problem
    from loadtests.spec import ProfileSpec, Threshold

LEVELS = {"open": "rate", "closed": "users"}
KINDS = ("objective", "percentile", "failures_below")


def broken_rules(document: Document, spec: ProfileSpec) -> list[Problem]:
    """Every one, with its place."""
    flaws = [*_who(spec), *_stages(spec), *_model(document, spec), *_thresholds(spec)]
    return [flaw.problem(document) for flaw in flaws]


def _who(spec: ProfileSpec) -> Iterator[Flaw]:
    if (spec.journeys is None) == (spec.locustfile is None):
        found = "neither `journeys` nor `locustfile`" if spec.journeys is None else "both"
        yield Flaw(("profile",), found, "either `journeys` or `locustfile`")
    seen: set[str] = set()
    for index, one in enumerate(spec.journeys or ()):
        if one.journey in seen:
            yield Flaw(
                ("journeys", index, "journey"), f"{one.journey!r} again", "one weight for each journey"
            )
        seen.add(one.journey)
    if spec.locustfile is not None and spec.pool is not None:
        yield Flaw(
            ("pool",), "`pool` beside `locustfile`", "`journeys`: a locustfile logs in by itself", on_key=True
        )


def _stages(spec: ProfileSpec) -> Iterator[Flaw]:
    wanted = LEVELS[spec.model]
    for index, stage in enumerate(spec.stages):
        given = [key for key in LEVELS.values() if getattr(stage, key) is not None]
        place: Loc = ("stages", index)
        if given != [wanted]:
            found = " and ".join(f"`{key}`" for key in given) or "no level"
            yield Flaw(place, found, f"`{wanted}`, for the model is {spec.model}")
        if not stage.for_.total_seconds() > 0:
            yield Flaw((*place, "for"), "no time at all", "how long the stage lasts")
    if all(not getattr(stage, wanted) for stage in spec.stages):
        yield Flaw(("stages",), "levels of 0 alone", "somebody who comes", on_key=True)
    total_s = sum(stage.for_.total_seconds() for stage in spec.stages)
    if spec.warm_up is not None and spec.warm_up.total_seconds() >= total_s:
        yield Flaw(("warm_up",), "no time left after it", f"less than the stages last ({total_s:g} s)")


def _model(document: Document, spec: ProfileSpec) -> Iterator[Flaw]:
    """Keys of the open model do nothing in a closed one."""
    if spec.model == "open" or not isinstance(document.data, dict):
        return
    for key in ("arrivals", "most_in_flight"):
        if key in document.data:
            yield Flaw((key,), f"`{key}` in a closed model", "`model: open`, or not this key", on_key=True)


def _thresholds(spec: ProfileSpec) -> Iterator[Flaw]:
    for index, one in enumerate(spec.thresholds):
        place: Loc = ("thresholds", index)
        given = [key for key in KINDS if getattr(one, key) is not None]
        if len(given) != 1:
            found = " and ".join(f"`{key}`" for key in given) or "nothing to hold"
            yield Flaw(place, found, f"exactly one of {', '.join(KINDS)}")
            continue
        yield from _beside(place, given[0], one)


def _beside(place: Loc, kind: str, one: Threshold) -> Iterator[Flaw]:
    if kind == "percentile" and one.below is None:
        yield Flaw(place, "a percentile alone", "`below`: what it must stay under")
    if kind != "percentile" and one.below is not None:
        yield Flaw((*place, "below"), f"`below` beside `{kind}`", "`percentile`", on_key=True)
    if kind == "objective" and one.request is not None:
        found = "`request` beside `objective`"
        yield Flaw((*place, "request"), found, "the objective says which requests are meant", on_key=True)
