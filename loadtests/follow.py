"""A run of a load as its follower sees it, put together again from its facts and its stream. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from keelwatch.ledger import Fact, FactKind, JsonObject
from keelwatch.runs import StreamLine
from keelwatch.runs.fields import mapping, number
from keelwatch.safety import Reservation, reservations
from keelwatch.safety.capacity import Capacity, capacity_of
from keelwatch.safety.said import GuardSaid, guard_said
from keelwatch.safety.spending import Spent, spent_said, with_spent
from loadtests.gathered import Gathered


@dataclass(slots=True)
class Followed:
    """`step` of a search is the one whose seconds `gathered` has, from 0; the last one's, until the next
    tells of any."""

    planned: JsonObject = field(default_factory=dict)
    judged: JsonObject = field(default_factory=dict)
    tried: list[JsonObject] = field(default_factory=list)
    capacity: Capacity | None = None
    gathered: Gathered = field(default_factory=Gathered)
    guard: dict[str, GuardSaid] = field(default_factory=dict)
    spent: Spent = field(default_factory=dict)
    began: float | None = None
    step: int = 0
    _notes: list[Fact] = field(default_factory=list)

    @property
    def budget(self) -> tuple[Reservation, ...]:
        return with_spent(reservations(self._notes), self.spent)

    def take(self, items: Iterable[Fact | StreamLine]) -> None:
        """What is new of the run, in order. What another version wrote is left out."""
        for item in items:
            match item:
                case Fact(kind=FactKind.NOTE):
                    self._noted(item)
                case StreamLine():
                    self._told(item)

    def _noted(self, fact: Fact) -> None:
        self._notes.append(fact)
        match fact.event:
            case "planned":
                self.planned = fact.body
                self.gathered.warm_up_s = number(fact.body, "warm_up_s")
            case "judged":
                self.judged = fact.body
            case "tried":
                self.tried.append(fact.body)
            case "capacity":
                self.capacity = capacity_of(fact)

    def _told(self, line: StreamLine) -> None:
        sample = mapping(line.record, "sample")
        if told := mapping(sample, "told"):
            if self.step < len(self.tried):
                self.step = len(self.tried)
                self.gathered.seconds.clear()  # it counts from its own start
            self.began = self.began or line.at - number(told, "second") - 1
            try:
                self.gathered.take(told)
            except ValueError:
                return
        if said := guard_said(line):
            self.guard[said[0]] = said[1]
        self.spent = spent_said(line) or self.spent
