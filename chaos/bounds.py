"""What an experiment may do at most, told from its own words: for faces. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.runs.fields import mapping, number, text, texts
from keelwatch.safety.questions import USUAL_BURN, USUAL_WINDOW_S

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject

USUAL_BUDGET = 1.0
USUAL_EVERY_S = 5.0
"""Between two askings of the hypothesis during the method."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """`above` over `window_s` of one of `objectives` ends it, and so does `most_s`. `budget` (0..1) is of
    each one's for the period. `proof` is how the fault shows in traffic. `every_s` is the pause between two
    askings of the hypothesis during the method; 0: it is not asked then. Where nothing is said, texts are
    empty and numbers None."""

    component: str = ""
    objectives: tuple[str, ...] = ()
    journeys: tuple[str, ...] = ()
    holds: str = ""
    above: float = USUAL_BURN
    window_s: float = USUAL_WINDOW_S
    most_s: float | None = None
    budget: float = 0.0
    components: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    percent: float | None = None
    at_once: int | None = None
    proof: str = ""
    every_s: float = 0.0
    expect: str = ""

    @property
    def is_guarded(self) -> bool:
        return bool(self.objectives)


def bounds_of(extension: JsonObject) -> Bounds:
    """Of an extension that was found right; of none, no bounds."""
    if not extension:
        return Bounds()
    guard, radius = mapping(extension, "guard"), mapping(extension, "blast_radius")
    burn, broken = mapping(guard, "burn_rate"), mapping(extension, "breaks")
    fails = f"{text(broken, 'journey')} fails in {text(broken, 'region')}" if broken else ""
    return Bounds(
        component=text(extension, "component"),
        objectives=texts(burn, "objectives"),
        journeys=texts(guard, "journeys"),
        holds=text(guard, "promql_false"),
        above=number(burn, "above") or USUAL_BURN,
        window_s=_seconds(text(burn, "window")) or USUAL_WINDOW_S,
        most_s=_seconds(text(guard, "most_time")),
        budget=(number(extension, "budget") or USUAL_BUDGET) / 100,
        components=texts(radius, "components"),
        regions=texts(radius, "regions"),
        percent=number(radius, "percent") or None,
        at_once=int(number(radius, "at_once")) or None,
        proof=text(extension, "reaches") or fails,
        every_s=_seconds(text(extension, "every")) or USUAL_EVERY_S,
        expect=text(extension, "expect"),
    )


def _seconds(duration: str) -> float | None:
    from keelwatch.workspace.reader import parse_duration

    try:
        return parse_duration(duration).total_seconds() if duration else None
    except ValueError:
        return None
