"""Reservations of error budget: what a run may spend is set aside before it acts, and settled when it ends.

Pure over the facts of runs: notes `reserved` and `settled`. What is set aside counts as spent until it is
settled, so that two runs never spend the same budget; a run that died has spent all it set aside.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelwatch.ledger import FactKind
from keelwatch.runs.fields import number, text
from keelwatch.workspace.errors import Refused
from keelwatch.workspace.reading import Reading, Unknown, Value

if TYPE_CHECKING:
    from keelwatch.ledger import Fact, JsonObject

RESERVED, SETTLED = "reserved", "settled"
ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Reservation:
    """`share` (0..1) of the period's budget of an objective, set aside by `run`; `spent`, once settled, and
    `so_far` before, where it is known. `lost`: the run died, and nobody settled it."""

    run: str
    objective: str
    region: str | None
    share: float
    spent: float | None = None
    so_far: float | None = None
    lost: bool = False

    @property
    def key(self) -> tuple[str, str | None]:
        return (self.objective, self.region)


def reservations(facts: Iterable[Fact]) -> tuple[Reservation, ...]:
    """All of these facts, of any runs, oldest first."""
    found: dict[tuple[str, str, str | None], Reservation] = {}
    for fact in facts:
        key = (fact.run, text(fact.body, "objective"), text(fact.body, "region") or None)
        if fact.kind is not FactKind.NOTE:
            continue
        if fact.event == RESERVED:
            found[key] = Reservation(*key, number(fact.body, "share"))
        elif fact.event == SETTLED and key in found:
            found[key] = replace(found[key], spent=number(fact.body, "spent"))
    return tuple(found.values())


def at_the_end(of: Iterable[Reservation]) -> tuple[Reservation, ...]:
    """Those of a run that is over: one that died before it settled them has spent all it set aside."""
    return tuple(one if one.spent is not None else replace(one, spent=one.share, lost=True) for one in of)


def reserve(
    run: str, key: tuple[str, str | None], share: float, remaining: Reading, others: Iterable[Reservation]
) -> JsonObject:
    """The payload of a reservation of `share` (0..1) of the budget of the objective `key`, of which
    `remaining` is left (0..1) now; `others` are reservations, of which those that are not settled count.

    Raises `Refused` when it does not fit into what is left, or nobody can tell what is.
    """
    objective, region = key
    name = f"{objective} ({region})" if region else objective
    open_ = [one for one in others if one.key == key and one.spent is None and one.run != run]
    set_aside = sum(one.share for one in open_)
    match remaining:
        case Unknown(reason):
            raise Refused(
                f"nobody can tell what is left of the budget of {name}: {reason}", "see: keelwatch slo why"
            )
        case Value(left) if share > left - set_aside + ROUNDING:
            by = (
                f", {set_aside:.1%} of it set aside by {', '.join(one.run for one in open_)}" if open_ else ""
            )
            raise Refused(
                f"{share:.1%} of the budget of {name} is asked for, and {max(left, 0.0):.1%} is left{by}",
                "ask for less, or wait until it has recovered",
            )
    return {"event": RESERVED, "objective": objective, "region": region or "", "share": share}


def settle(reservation: Reservation, before: Reading, after: Reading) -> JsonObject:
    """The payload that settles it: what is left was `before` the run and is `after` it (0..1), and less of
    it is what was spent. Where nobody can tell, all of it was."""
    match before, after:
        case Value(had), Value(has):
            spent, reason = max(0.0, had - has), ""
        case _:
            spent, reason = reservation.share, "nobody can tell what was spent: all that was set aside"
    return {
        "event": SETTLED,
        "objective": reservation.objective,
        "region": reservation.region or "",
        "share": reservation.share,
        "spent": spent,
        "reason": reason,
    }
