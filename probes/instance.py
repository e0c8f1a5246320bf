"""Which journeys a run is to make, and where: decided before there is a run, so light to load."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.workspace.errors import UsageError
from probes.load import Journey


@dataclass(frozen=True, slots=True)
class Instance:
    """A journey in one region."""

    journey: Journey
    region: str

    @property
    def name(self) -> str:
        return f"{self.journey.name} ({self.region})"


def arguments(
    workspace: Path, journeys: Sequence[str], regions: Sequence[str], *, changes: bool = False
) -> JsonObject:
    """The arguments of a run; no journeys means all of them, no regions each journey's own. `changes`: it is
    known that an undo will be owed, so that a guardian is wanted from the first moment."""
    named: JsonObject = {"workspace": str(workspace), "journeys": list(journeys), "regions": list(regions)}
    return {**named, "changes": changes}


def change_something(instances: Sequence[Instance]) -> bool:
    """Whether any of them owes an undo on its way."""
    return any(step.undo and not step.undo.none for one in instances for step in one.journey.spec.steps)


def chosen(
    known: dict[str, Journey], names: Sequence[str], regions: Sequence[str], all_regions: Sequence[str]
) -> list[Instance]:
    """Each named journey in each named region, as far as it runs there. Raises `UsageError` for a journey or
    region that is not there, and when nothing is left."""
    _refuse_unknown(regions, all_regions)
    found = []
    for name in dict.fromkeys(names):
        if name not in known:
            raise UsageError(f"there is no journey {name!r}", f"there are: {', '.join(sorted(known))}")
        where = known[name].spec.regions or list(all_regions)
        found += [Instance(known[name], region) for region in where if not regions or region in regions]
    if not found:
        raise UsageError("no journey is left to run", "see: keelwatch probe list")
    return found


def _refuse_unknown(regions: Sequence[str], all_regions: Sequence[str]) -> None:
    """Also one misspelt beside good ones: whoever names two regions wants to hear of two."""
    from keelwatch.workspace.reader import closest

    for region in regions:
        if region not in all_regions:
            near = closest(region, all_regions)
            hint = f"did you mean {near!r}?" if near else f"there are: {', '.join(all_regions)}"
            raise UsageError(f"there is no region {region!r}", hint)
