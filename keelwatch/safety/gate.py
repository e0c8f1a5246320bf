"""What stands before every load and every experiment: nothing of what it may hurt burns already, and what it
may spend of the error budget is set aside, and settled when it is over."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.ledger import FactKind
from keelwatch.safety.budget import RESERVED, Reservation, reservations, reserve, settle
from keelwatch.workspace.errors import KeelwatchError, Refused
from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.snapshot import State

if TYPE_CHECKING:
    from keelwatch.runs import Run
    from keelwatch.safety.around import Around
    from slo.snapshot import ObjectiveReading

WAIT = "wait until it is calm, or see why: keelwatch slo why {name}"


def require_calm(readings: Sequence[ObjectiveReading]) -> None:
    """Raises `Refused` when one of these burns (a pair critical), or nobody can tell."""
    for one in readings:
        match one.state:
            case State.PAGE | State.TICKET:
                raise Refused(f"{named(one)} burns already ({one.state})", WAIT.format(name=one.name))
            case State.UNKNOWN:
                raise Refused(
                    f"nobody can tell whether {named(one)} burns: {one.unknown_reason}",
                    WAIT.format(name=one.name),
                )


@dataclass(slots=True)
class Budget:
    """What one run has set aside. `readings` are those from before it began."""

    run: Run
    around: Around
    readings: Sequence[ObjectiveReading]

    def set_aside(self, share: float) -> None:
        """`share` (0..1) of the period's budget of each objective. Raises `Refused` where it does not fit."""
        others = self._others()
        payloads = [
            reserve(self.run.id, (one.name, one.region), share, one.budget_remaining, others)
            for one in self.readings
        ]
        for payload in payloads:  # all of them fit, or none is taken
            self.run.note(RESERVED, payload)

    def spent(self) -> dict[tuple[str, str | None], float]:
        """Of each objective (0..1 of the period's budget) since it began, where it can be told. Raises
        `SourceError`."""
        after = self._left_now()
        found = {}
        for key, had in _left(self.readings).items():
            has = after.get(key)
            if isinstance(had, Value) and isinstance(has, Value):
                found[key] = max(0.0, had.value - has.value)
        return found

    def settle(self) -> None:
        """What is set aside and not settled, by what the source says is left now."""
        mine = reservations(self.run.facts(FactKind.NOTE))
        before = _left(self.readings)
        after: dict[tuple[str, str | None], Reading]
        try:
            after = self._left_now()
        except KeelwatchError as error:
            after = dict.fromkeys(before, Unknown(error.message, 0.0))
        nothing = Unknown("nobody read it before", 0.0)
        for one in mine:
            if one.spent is None:
                payload = settle(one, before.get(one.key, nothing), after.get(one.key, nothing))
                self.run.note(str(payload["event"]), payload)

    def _left_now(self) -> dict[tuple[str, str | None], Reading]:
        return _left(self.around.readings(sorted({one.name for one in self.readings})))

    def _others(self) -> tuple[Reservation, ...]:
        """Of runs that have not ended: what those have spent that have shows in what is left."""
        unfinished = self.run.others()
        return tuple(
            one
            for other in unfinished
            if other.state.verdict is None
            for one in reservations(self.run.facts_of(other.state.id, FactKind.NOTE))
        )


def _left(readings: Sequence[ObjectiveReading]) -> dict[tuple[str, str | None], Reading]:
    return {(one.name, one.region): one.budget_remaining for one in readings}


def named(one: ObjectiveReading) -> str:
    return f"{one.name} ({one.region})" if one.region else one.name
