"""Watching a run from any terminal: its facts and its stream, from a position on."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from types import FrameType

from keelwatch.ledger.fact import Fact
from keelwatch.ledger.store import LedgerStore
from keelwatch.runs.commands import stop
from keelwatch.runs.state import Life, Phase, RunState, RunView, fold, view_of
from keelwatch.runs.stopflag import StopFlag
from keelwatch.runs.stream import StreamLine, read_stream
from keelwatch.runs.table import OnTerm
from keelwatch.workspace.errors import ExitCode, UsageError
from keelwatch.workspace.paths import run_dir

PAUSE_S = 0.15
PROMPT_S = 0.03
PROMPT_FOR_S = 5.0  # who follows a short run waits for its end, and not for our next look
CATCH_UP_S = 0.02  # after a look that found something: a long stream comes in pieces


@dataclass(frozen=True, slots=True)
class Position:
    """How far a follower has read: the facts folded into `state`, and the byte offset in the stream."""

    state: RunState | None = None
    offset: int = 0


@dataclass(frozen=True, slots=True)
class Glance:
    """What is new since a position, in order of time, and how the run stands."""

    items: tuple[Fact | StreamLine, ...]
    position: Position
    run: RunView

    @property
    def is_over(self) -> bool:
        """All was read, and nothing more will come unless somebody resumes or heals the run."""
        return (
            not self.items
            and self.run.pid is None
            and self.run.phase not in {Phase.RUNNING, Phase.HEALING, Phase.STOPPING}
        )


class FollowEnd(StrEnum):
    OVER = "over"
    DETACHED = "detached"
    ASKED = "asked"  # the run waits for an answer and nobody is here to give it


def look(store: LedgerStore, run: str, position: Position) -> Glance:
    """One look, without waiting; for a face that has a clock of its own.

    Raises `UsageError` when there is no such run, `SourceError` when it cannot be read.
    """
    life = Life.of(run)
    before = position.state or RunState(run)
    facts = list(store.after(before.at_seq, run=run))
    state = fold(before, facts)
    if not state.at_seq:
        raise UsageError(f"there is no run {run}", "see: keelwatch runs")
    lines, offset = read_stream(run_dir(run) / "stream.jsonl", position.offset)
    both: list[Fact | StreamLine] = [*facts, *lines]
    items = tuple(sorted(both, key=lambda item: item.at))
    return Glance(items, Position(state, offset), view_of(state, life))


def newest_lines(run: str, most_bytes: int) -> list[StreamLine]:
    """The end of its stream, however long that is: for a face that says in a few words how it goes."""
    path = run_dir(run) / "stream.jsonl"
    try:
        start = max(0, path.stat().st_size - most_bytes)
    except OSError:
        return []
    return read_stream(path, start)[0]  # a line that the start cuts is read as torn, and left out


def follow(store: LedgerStore, run: str, position: Position | None = None) -> Iterator[Glance]:
    """Looks until the run is over; the last one, without items, has `is_over`."""
    position, began = position or Position(), time.monotonic()
    while True:
        glance = look(store, run, position)
        if glance.items or glance.is_over:
            yield glance
        if glance.is_over:
            return
        position = glance.position
        time.sleep(_pause_s(glance, began))


def attend(
    store: LedgerStore, run: str, show: Callable[[Glance], None], *, may_ask: bool
) -> tuple[FollowEnd, ExitCode]:
    """Follow in a terminal, with the signals of a follower: Ctrl-C and TERM stop the run (or pause it)
    and keep following to its end; HUP detaches. Returns how it ended and the exit code of the command.

    With `may_ask` false nobody can answer here: a question ends the following, the run stays paused.
    """
    hangup = StopFlag()
    position, began = Position(), time.monotonic()
    with _signals(run, hangup):
        while not hangup.is_set():
            glance = look(store, run, position)
            position = glance.position
            if glance.items:
                show(glance)
            if glance.is_over:
                return FollowEnd.OVER, exit_code(glance.run)
            if glance.run.state.question is not None and not may_ask:
                return FollowEnd.ASKED, ExitCode.UNKNOWN
            hangup.wait(_pause_s(glance, began))
    return FollowEnd.DETACHED, ExitCode.PASS


def _pause_s(glance: Glance, began: float) -> float:
    """Until the next look of who follows since `began`."""
    if glance.items:
        return CATCH_UP_S
    return PROMPT_S if time.monotonic() - began < PROMPT_FOR_S else PAUSE_S


def exit_code(run: RunView) -> ExitCode:
    """What a command that followed `run` to its end exits with."""
    state = run.state
    if state.verdict is not None:
        return state.verdict.exit_code
    if run.phase is Phase.ORPHANED:
        return ExitCode.LEFT_BEHIND
    return ExitCode.UNKNOWN


def stop_means(run: RunView) -> str:
    """What stopping does to this run, in a word for the face: `pause` or `stop and undo`."""
    return "pause" if run.state.on_term is OnTerm.PAUSE else "stop and undo"


@contextmanager
def _signals(run: str, hangup: StopFlag) -> Iterator[None]:
    def stop_it(number: int, _frame: FrameType | None) -> None:
        reason = signal.Signals(number).name
        threading.Thread(target=stop, args=(run, f"{reason} at its follower")).start()

    def detach(_number: int, _frame: FrameType | None) -> None:
        hangup.raise_flag("hangup")

    wanted = {signal.SIGINT: stop_it, signal.SIGTERM: stop_it, signal.SIGHUP: detach}
    before = {number: signal.signal(number, handler) for number, handler in wanted.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
