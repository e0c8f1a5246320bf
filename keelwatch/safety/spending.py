"""What a run has spent so far of what it set aside: told in its stream while it goes on, and read there
again. It limits nothing: that is what a guard is for."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

from keelwatch.runs.fields import mapping, number, text
from keelwatch.workspace.errors import KeelwatchError

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.runs import StreamLine
    from keelwatch.safety.budget import Reservation
    from keelwatch.safety.gate import Budget

EVERY_S = 5.0

type Spent = Mapping[tuple[str, str | None], float]
"""By objective and region: the part (0..1) of the period's budget."""


@contextmanager
def telling_spent(budget: Budget, every_s: float = EVERY_S) -> Iterator[None]:
    """In a thread of its own: a slow source keeps nobody from watching the guard."""
    over = threading.Event()
    threading.Thread(target=_tell, args=(budget, over, every_s), daemon=True).start()
    try:
        yield
    finally:
        over.set()


def _tell(budget: Budget, over: threading.Event, every_s: float) -> None:
    while not over.wait(every_s):
        try:
            spent = budget.spent()
        except KeelwatchError:
            continue  # nobody can tell now; what was told last stands
        if not over.is_set():
            told: list[JsonObject] = [
                {"objective": name, "region": region or "", "spent": one}
                for (name, region), one in spent.items()
            ]
            budget.run.sample({"spent": told})


def spent_said(line: StreamLine) -> Spent | None:
    """None for a line that tells something else."""
    told = mapping(line.record, "sample").get("spent")
    if not isinstance(told, list):
        return None
    return {
        (text(one, "objective"), text(one, "region") or None): number(one, "spent")
        for one in told
        if isinstance(one, dict)
    }


def with_spent(budget: Iterable[Reservation], spent: Spent) -> tuple[Reservation, ...]:
    return tuple(replace(one, so_far=spent.get(one.key)) for one in budget)
