"""Whichever of the two is lost, the other notices; and nobody acts without both."""

from __future__ import annotations

import os
import signal
import threading
import time
from pathlib import Path

import pytest

from keelwatch.ledger import FactKind, open_ledger, verify
from keelwatch.runs import Phase, heal, list_open, stop, view
from keelwatch.runs.mark import marked, read_mark
from keelwatch.runs.state import has_guardian
from keelwatch.workspace import ExitCode, run_dir
from tests.runs.conftest import Stage, until
from tests.tiny_disk import on_a_tiny_disk
from tests.toys.processes import TABLE
from tests.toys.world import effects, value


def acting(stage: Stage, kind: str = "chaos") -> str:
    """A run that holds its effects, with both of them done and recorded."""
    run = stage.spawn(kind, hold_s=60.0)
    until(lambda: len(stage.facts(run, FactKind.RESULT)) == 2, what="both effects")
    return run


def test_a_dead_run_is_fenced_undone_and_closed(stage: Stage) -> None:
    run = acting(stage)
    epoch = stage.load(run).epoch
    stage.kill(run)
    state = stage.until_over(run)
    assert state.epoch == epoch + 1
    assert str(state.verdict) == "invalid: the run died"
    assert (value(stage.world, "cache"), value(stage.world, "billing")) == ("", "")
    assert list_open(stage.ledger) == ()


def test_a_frozen_run_is_killed_before_its_undo(stage: Stage) -> None:
    run = acting(stage)
    stage.kill(run, number=signal.SIGSTOP)
    state = stage.until_over(run)
    assert str(state.verdict) == "invalid: the run froze"
    assert value(stage.world, "cache") == ""


def test_a_killed_guardian_is_replaced_within_a_second(stage: Stage) -> None:
    run = acting(stage)
    first = stage.pid(run, "guardian")
    killed_s = time.clock_gettime(time.CLOCK_BOOTTIME)
    stage.kill(run, "guardian")
    until(lambda: stage.pid(run, "guardian") != first and has_guardian(run), what="another guardian")
    second = read_mark(run_dir(run) / "guardian.json")
    assert second is not None
    assert second.start_ticks / os.sysconf("SC_CLK_TCK") - killed_s < 1.0
    stage.kill(run)  # and the new one does its work
    assert str(stage.until_over(run).verdict) == "invalid: the run died"
    assert value(stage.world, "cache") == ""


def test_a_frozen_guardian_is_replaced(stage: Stage) -> None:
    run = acting(stage)
    first = read_mark(run_dir(run) / "guardian.json")
    stage.kill(run, "guardian", signal.SIGSTOP)
    until(lambda: read_mark(run_dir(run) / "guardian.json") != first, what="another guardian")
    assert first is not None
    assert first.open() is None
    stop(run)
    state = stage.until_over(run)
    assert state.verdict is not None
    assert state.verdict.exit_code is ExitCode.STOPPED


def test_when_both_are_killed_heal_shows_and_closes(stage: Stage) -> None:
    run = acting(stage)
    stage.kill(run, "guardian", signal.SIGSTOP)  # so that it cannot act in between
    stage.kill(run)
    stage.kill(run, "guardian")
    stage.until_over(run)
    shown = list_open(stage.ledger)
    assert [(undo.target, undo.verb, undo.state) for undo in shown] == [
        ("billing", "toy.set", "orphaned"),
        ("cache", "toy.slow", "orphaned"),
    ]
    assert value(stage.world, "cache") == "lost"
    report = heal(stage.ledger, TABLE)
    assert [undo.target for undo in report.healed] == ["billing", "cache"]
    assert (report.open, report.exit_code) == ((), ExitCode.PASS)
    assert (value(stage.world, "cache"), value(stage.world, "billing")) == ("", "")
    assert verify(stage.ledger).flaw is None


def test_heal_leaves_alone_what_a_living_run_holds(stage: Stage) -> None:
    run = acting(stage)
    report = heal(stage.ledger, TABLE)
    assert {undo.state for undo in report.open} == {"held"}
    assert (report.healed, report.exit_code) == ((), ExitCode.PASS)
    assert value(stage.world, "cache") == "lost"
    stop(run)
    stage.until_over(run)


def test_a_frozen_pair_is_ended_and_healed(stage: Stage) -> None:
    run = acting(stage)
    stage.kill(run, "guardian", signal.SIGSTOP)
    stage.kill(run, number=signal.SIGSTOP)
    report = heal(stage.ledger, TABLE)
    assert [undo.target for undo in report.healed] == ["billing", "cache"]
    assert value(stage.world, "cache") == ""
    stage.until_over(run)


def test_a_run_that_freezes_after_its_verdict_is_ended_too(stage: Stage) -> None:
    run = stage.spawn("sleepy")
    until(lambda: bool(stage.facts(run, FactKind.VERDICT)), what="the verdict")
    assert view(stage.ledger, run).phase is Phase.ENDED
    assert view(stage.ledger, run).pid is None
    stage.until_over(run)
    until(lambda: not list(marked("KEELWATCH_STATE", str(stage.state))), what="no process left")


def test_a_frozen_guardian_of_a_closed_run_is_not_left(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=0.3)
    stage.until_value("cache", "lost")
    stage.kill(run, "guardian", signal.SIGSTOP)
    stage.until_over(run)
    until(lambda: not list(marked("KEELWATCH_STATE", str(stage.state))), what="no process left")


def test_an_undo_that_cannot_be_done_stays_listed_until_it_can(stage: Stage) -> None:
    run = acting(stage)
    (stage.world / "broken").touch()
    stop(run)
    state = stage.until_over(run)
    assert state.verdict is not None
    assert state.verdict.exit_code is ExitCode.LEFT_BEHIND
    report = heal(stage.ledger, TABLE)
    assert {(undo.state, undo.error) for undo in report.open} == {
        ("failed", "billing is out of reach"),
        ("failed", "cache is out of reach"),
    }
    assert report.exit_code is ExitCode.LEFT_BEHIND
    (stage.world / "broken").unlink()
    assert heal(stage.ledger, TABLE).exit_code is ExitCode.PASS
    assert list_open(stage.ledger) == ()
    assert value(stage.world, "cache") == ""


def test_an_effect_that_lands_late_is_taken_back_too(stage: Stage) -> None:
    (stage.world / "crash.json").write_text(
        f'{{"point": "lost:flight", "runs": "{stage.state}/runs", "signal": "SIGKILL", "victims": ["run"]}}'
    )
    run = stage.spawn("chaos", hold_s=60.0)
    state = stage.until_over(run)
    assert "toy.slow cache lost" in effects(stage.world), "it landed after its run was dead"
    assert value(stage.world, "cache") == ""
    assert state.open == ()


def test_a_full_disk_stops_the_acting_and_not_the_undoing(stage: Stage) -> None:
    run = stage.spawn("full")
    stage.until_over(run, within_s=40.0)
    assert value(stage.world, "second") == "", "no record, no act"
    assert "second" not in " ".join(effects(stage.world))
    assert value(stage.world, "first") == "", "undone without a record"
    assert [(undo.target, undo.needs_heal) for undo in list_open(stage.ledger)] == [("first", True)]
    report = heal(stage.ledger, TABLE)
    assert [undo.target for undo in report.healed] == ["first"]
    assert report.exit_code is ExitCode.PASS
    assert effects(stage.world).count("toy.set first ") == 1, "what was undone is only verified"
    assert verify(stage.ledger).flaw is None


@pytest.mark.parametrize("what", ["lever", "act"])
def test_on_a_filesystem_that_is_really_full_runs_stop_undo_and_heal(tmp_path: Path, what: str) -> None:
    world = tmp_path / "world"
    world.mkdir()
    on_a_tiny_disk(tmp_path / "disk", "tests.runs.full_disk", str(world), what)


def test_without_a_guardian_nothing_is_done(stage: Stage) -> None:
    (stage.state / "no-guardian").touch()
    run = stage.spawn("chaos")
    state = stage.until_over(run)
    assert state.verdict is not None
    assert "guardian did not become ready" in state.verdict.reason
    assert state.verdict.exit_code is ExitCode.SOURCE
    assert effects(stage.world) == []


def test_a_run_whose_guardian_cannot_be_replaced_stops_and_undoes(stage: Stage) -> None:
    run = acting(stage)
    (stage.state / "no-guardian").touch()
    stage.kill(run, "guardian")
    state = stage.until_over(run)
    assert state.verdict is not None
    assert state.verdict.exit_code is ExitCode.STOPPED
    assert "guardian was lost" in state.verdict.reason
    assert (value(stage.world, "cache"), value(stage.world, "billing")) == ("", "")


def test_of_two_healers_each_undo_is_done_by_one(stage: Stage) -> None:
    run = acting(stage)
    stage.kill(run, "guardian", signal.SIGSTOP)
    stage.kill(run)
    stage.kill(run, "guardian")
    stage.until_over(run)
    healed = list[str]()

    def mend() -> None:
        store = open_ledger()
        healed.extend(undo.target for undo in heal(store, TABLE).healed)
        store.close()

    healers = [threading.Thread(target=mend) for _ in range(3)]
    for healer in healers:
        healer.start()
    for healer in healers:
        healer.join()
    assert sorted(healed) == ["billing", "cache"]
    assert len(stage.facts(run, FactKind.VERDICT)) == 1
    assert len(effects(stage.world)) == 4
