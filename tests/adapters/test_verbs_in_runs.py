"""Verbs in the hands of others than who asked: guardians, `heal`, and a run that goes on elsewhere."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

import pytest

from keelwatch.adapters.postgres.standing import standing_of, whole
from keelwatch.ledger import FactKind, JsonObject, SqliteLedger, open_ledger
from keelwatch.runs import heal, resume, spawn, view
from keelwatch.runs.fields import text
from keelwatch.runs.mark import kill_marked, marked, read_mark
from keelwatch.runs.state import has_guardian, is_alive
from keelwatch.workspace import ledger_path, run_dir
from keelwatch.workspace.estate import find_estate
from tests.adapters.acting import ENTRY, TABLE
from tests.adapters.estate import written
from tests.adapters.haproxy_server import running_edge
from tests.adapters.postgres_pair import Pair
from tests.adapters.processes import frozen, until

ROOT = Path(__file__).parents[2]
SHIFTED = {"west-1": 0, "west-2": 0, "east-1": 100, "east-2": 100}
AS_BEFORE = dict.fromkeys(SHIFTED, 1)


@pytest.fixture
def ledger(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteLedger]:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    opened = open_ledger()
    yield opened
    opened.close()
    kill_marked("KEELWATCH_STATE", str(tmp_path / "state"))


def started(ledger: SqliteLedger, kind: str, verb: str, args: JsonObject) -> str:
    return spawn(ledger, TABLE.kind(kind), "act", {"verb": verb, "with": args, "stay": True}, "here", ENTRY)


def kill(run: str, who: str) -> None:
    mark = read_mark(run_dir(run) / f"{who}.json")
    assert mark is not None
    mark.send(signal.SIGKILL)


def over(run: str) -> bool:
    return not is_alive(run) and not has_guardian(run)


def test_a_guardian_puts_the_weights_back_when_the_run_is_killed(
    tmp_path: Path, ledger: SqliteLedger
) -> None:
    with running_edge(tmp_path / "edge") as edge:
        args = edge.estate.args(weights={"west": 0, "east": 100})
        run = started(ledger, "chaos", "edge.weight", args)
        until(lambda: edge.weights() == SHIFTED, "the shift")

        kill(run, "process")

        until(lambda: over(run), "the guardian's work")
        assert edge.weights() == AS_BEFORE
        assert view(ledger, run).state.open == ()


def test_heal_puts_the_weights_back_when_the_guardian_died_as_well(
    tmp_path: Path, ledger: SqliteLedger
) -> None:
    with running_edge(tmp_path / "edge") as edge:
        args = edge.estate.args(weights={"west": 0, "east": 100})
        run = started(ledger, "chaos", "edge.weight", args)
        until(lambda: edge.weights() == SHIFTED, "the shift")
        mark = read_mark(run_dir(run) / "process.json")
        assert mark is not None
        os.kill(mark.pid, signal.SIGSTOP)  # it must not start another guardian
        kill(run, "guardian")
        kill(run, "process")
        until(lambda: over(run), "the end of both")
        assert edge.weights() == SHIFTED

        report = heal(ledger, TABLE)

        assert [undo.verb for undo in report.healed] == ["edge.weight"]
        assert edge.weights() == AS_BEFORE


@pytest.mark.deep
@pytest.mark.parametrize("landed", [True, False], ids=["it landed", "it never left"])
def test_a_promotion_cut_off_by_a_kill_is_in_doubt_then_checked_and_never_done_twice(
    pair: Pair, ledger: SqliteLedger, *, landed: bool
) -> None:
    pair.estate.do(TABLE.verb("pg.fence"), region="west")
    database = find_estate(pair.estate.file, "here").the_database()
    receiver = whole(pair.ask("east", "select pid from pg_stat_wal_receiver"))
    with ExitStack() as held:
        freeze = held.enter_context(ExitStack())
        freeze.enter_context(frozen(receiver))  # so that it waits, before it promotes
        run = started(ledger, "runbook", "pg.promote", pair.estate.args(region="east"))
        until(lambda: len(facts(ledger, run, FactKind.INTENT)) == 1, "the intent")
        if landed:
            held.enter_context(locked(ledger_path()))  # so that its result cannot be written
            freeze.close()
            until(lambda: not standing_of(database, "east").is_standby, "the promotion")
        kill(run, "process")
    until(lambda: over(run), "its end")
    assert facts(ledger, run, FactKind.RESULT) == []

    resume(ledger, run)

    wanted = ["done"] if landed else ["not-done", "done"]
    until(lambda: facts(ledger, run, FactKind.RESULT) == wanted, "its result", 60)
    assert standing_of(database, "east").timeline == 2
    assert len(facts(ledger, run, FactKind.INTENT)) == len(wanted)


def test_a_command_dies_with_the_run_that_wanted_it(tmp_path: Path, ledger: SqliteLedger) -> None:
    """And all that it has started: who is asked whether it happened need not ask whether it goes on."""
    args = written(tmp_path / "here").args(command=["sh", "-c", "sleep 61 & sleep 62"])
    run = started(ledger, "runbook", "shell", args)
    until(lambda: len(list(marked("KEELWATCH_RUN", run))) >= 3, "the command and its children")
    kill(run, "process")
    until(lambda: over(run) and not list(marked("KEELWATCH_RUN", run)), "their end")
    assert facts(ledger, run, FactKind.RESULT) == []


def facts(ledger: SqliteLedger, run: str, kind: FactKind) -> list[str]:
    """The outcomes of results; empty texts for other facts."""
    return [text(fact.body, "outcome") for fact in ledger.after(0, run=run, kinds=(kind,))]


@contextmanager
def locked(database: Path) -> Iterator[None]:
    """Nobody else writes to it."""
    with closing(sqlite3.connect(database, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")
