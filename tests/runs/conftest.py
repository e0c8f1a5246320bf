"""Every test of this room gets a state folder, a ledger and a toy world of its own, and leaves no process."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keelwatch.ledger import Fact, FactKind, JsonObject, SqliteLedger, open_ledger
from keelwatch.runs import RunState, load, spawn, view
from keelwatch.runs.mark import kill_marked, read_mark
from keelwatch.runs.state import has_guardian, is_alive
from keelwatch.workspace import run_dir
from tests.toys.processes import ENTRY, TABLE
from tests.toys.world import value

ROOT = Path(__file__).parents[2]


def until(claim: Callable[[], bool], within_s: float = 20.0, what: str = "it") -> None:
    """Wait for a condition, with a deadline."""
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, f"{what} did not come true within {within_s} s"
        time.sleep(0.01)


@dataclass
class Stage:
    """A toy world and the ledger of the runs that act on it."""

    state: Path
    world: Path
    ledger: SqliteLedger

    def args(self, **more: str | float | bool) -> JsonObject:
        return {"world": str(self.world), "hold_s": 0.3, "scope": "", **more}

    def spawn(self, kind: str, **more: str | float | bool) -> str:
        return spawn(self.ledger, TABLE.kind(kind), "toy", self.args(**more), "toy", ENTRY)

    def load(self, run: str) -> RunState:
        return load(self.ledger, run)

    def facts(self, run: str, *kinds: FactKind) -> list[Fact]:
        return list(self.ledger.after(0, run=run, kinds=kinds))

    def pid(self, run: str, who: str = "process") -> int:
        mark = read_mark(run_dir(run) / f"{who}.json")
        assert mark is not None
        return mark.pid

    def kill(self, run: str, who: str = "process", number: signal.Signals = signal.SIGKILL) -> None:
        mark = read_mark(run_dir(run) / f"{who}.json")
        assert mark is not None
        assert mark.send(number)

    def until_value(self, target: str, wanted: str, within_s: float = 20.0) -> None:
        until(lambda: value(self.world, target) == wanted, within_s, f"{target} = {wanted!r}")

    def until_over(self, run: str, within_s: float = 20.0) -> RunState:
        """Wait until neither the run nor its guardian is there."""
        until(lambda: not is_alive(run) and not has_guardian(run), within_s, f"the end of {run}")
        return view(self.ledger, run).state


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    state, world = tmp_path / "state", tmp_path / "world"
    world.mkdir()
    monkeypatch.setenv("KEELWATCH_STATE", str(state))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    monkeypatch.setenv("TOY_TICK_S", "0.2")
    ledger = open_ledger()
    yield Stage(state, world, ledger)
    ledger.close()
    kill_marked("KEELWATCH_STATE", str(state))
