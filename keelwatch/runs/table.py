"""The names that may be run, and what they stand for: handed to this room, never imported by it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from keelwatch.runs.verb import Verb
from keelwatch.runs.verdict import Verdict
from keelwatch.workspace.errors import UsageError

if TYPE_CHECKING:
    from keelwatch.ledger.fact import Fact
    from keelwatch.runs.run import Run

TICK_S = 0.5


class OnDeath(StrEnum):
    UNDO = "undo"  # the guardian takes back what the dead run did
    ORPHAN = "orphan"  # it only says so; a person resumes


class OnTerm(StrEnum):
    UNDO = "undo"
    PAUSE = "pause"


def nothing(_facts: Iterable[Fact]) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class RunKind:
    """`actor` does the work, in the main thread of the run's process, and returns the verdict. `remains`
    tells from the facts of one that died, oldest first, what it may have left that no undo of ours takes
    back."""

    name: str
    actor: Callable[[Run], Verdict]
    on_death: OnDeath = OnDeath.UNDO
    on_term: OnTerm = OnTerm.UNDO
    remains: Callable[[Iterable[Fact]], tuple[str, ...]] = nothing


@dataclass(frozen=True, slots=True)
class ProcessTable:
    """What an entry module hands to `main`. `tick_s` is the beat between run and guardian; one of them
    silent for six beats is frozen."""

    kinds: Mapping[str, RunKind]
    verbs: Mapping[str, Verb]
    tick_s: float = TICK_S

    def kind(self, name: str) -> RunKind:
        return _named(self.kinds, name, "kind of run")

    def verb(self, name: str) -> Verb:
        return _named(self.verbs, name, "verb")


def _named[T](table: Mapping[str, T], name: str, what: str) -> T:
    try:
        return table[name]
    except KeyError:
        raise UsageError(f"there is no {what} {name!r}", f"known: {', '.join(sorted(table))}") from None
