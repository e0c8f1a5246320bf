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


def arguments(workspace: Path, journeys: Sequence[str], regions: Sequence[str]) -> JsonObject:
    """The arguments of a run; no journeys means all of them, no regions each journey's own."""
    return {"workspace": str(workspace), "journeys": list(journeys), "regions": list(regions)}


def chosen(
    known: dict[str, Journey], names: Sequence[str], regions: Sequence[str], all_regions: Sequence[str]
) -> list[Instance]:
    """Each named journey in each named region, as far as it runs there."""
    found = []
    for name in dict.fromkeys(names):
        if name not in known:
            raise UsageError(f"there is no journey {name!r}", f"there are: {', '.join(sorted(known))}")
        where = known[name].spec.regions or list(all_regions)
        found += [Instance(known[name], region) for region in where if not regions or region in regions]
    if not found:
        raise UsageError("no journey is left to run", "see: keelwatch probe list")
    return found
