"""The runs of one kind that a screen lists: those that go on, a few that ended lately, and the last of each
name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from console.view.last_run import LastRun
from console.view.listed import CourseRow
from console.view.run_story import login_of
from keelwatch.ledger import FactKind, LedgerStore
from keelwatch.runs import Phase, RunView, view

NEWEST_RUNS = 40
ENDED_FOR_S = 86_400.0
MOST_ENDED = 5


@dataclass(frozen=True, slots=True)
class EndedRun:
    """`words` are its verdict and reason, `at` when it was given."""

    view: RunView
    words: str
    at: float


@dataclass(frozen=True, slots=True)
class Recent:
    """`going` are not over; `ended` are of the last day; the newest first. `last` is by name."""

    going: tuple[RunView, ...]
    ended: tuple[EndedRun, ...]
    last: dict[str, LastRun]


def recent(store: LedgerStore, kind: str, environment: str, now: float) -> Recent:
    ours = newest(store, kind, environment)
    going = tuple(one for one in ours if one.phase is not Phase.ENDED)
    return Recent(going, *_over(store, (one for one in ours if one.phase is Phase.ENDED), now))


def newest(store: LedgerStore, kind: str, environment: str) -> list[RunView]:
    """The newest first."""
    mark = f"-{kind}-"
    ids = [one for one in store.runs_with(FactKind.NOTE) if mark in one]
    views = [view(store, one) for one in sorted(ids, reverse=True)[:NEWEST_RUNS]]
    return [one for one in views if one.state.kind == kind and one.state.env == environment]


def course_rows(found: Recent, goes: Callable[[RunView], str]) -> tuple[CourseRow, ...]:
    """A row of each; `goes` says of one that is not over how far it is."""
    going = [_row(one, goes(one), one.state.started) for one in found.going]
    return (*going, *(_row(one.view, one.words, one.at) for one in found.ended))


def _row(one: RunView, words: str, at: float) -> CourseRow:
    state = one.state
    return CourseRow(state.id, state.name, one.phase.value, state.started, login_of(state.actor), words, at)


def _over(
    store: LedgerStore, over: Iterable[RunView], now: float
) -> tuple[tuple[EndedRun, ...], dict[str, LastRun]]:
    last: dict[str, LastRun] = {}
    ended: list[EndedRun] = []
    for one in over:
        name = one.state.name
        if name in last and len(ended) >= MOST_ENDED:
            continue
        found = _ended(store, one)
        last.setdefault(name, LastRun(one.state.id, found.words, found.at))
        if now - found.at < ENDED_FOR_S and len(ended) < MOST_ENDED:
            ended.append(found)
    return tuple(ended), last


def _ended(store: LedgerStore, one: RunView) -> EndedRun:
    closing = list(store.after(0, run=one.state.id, kinds=(FactKind.VERDICT,)))
    at = closing[-1].at if closing else one.state.started
    return EndedRun(one, str(one.state.verdict or "died: it has no verdict"), at)
