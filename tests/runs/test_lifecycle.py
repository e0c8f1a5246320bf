"""A run from its start to its verdict, as seen from another process."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from keelwatch.ledger import FactKind, open_ledger, verify
from keelwatch.runs import (
    NotStarted,
    Phase,
    RunKind,
    answer,
    attend,
    exit_code,
    follow,
    heal,
    list_open,
    living,
    load,
    passed,
    resume,
    runs,
    spawn,
    stop,
    stop_all,
    view,
)
from keelwatch.runs.mark import marked
from keelwatch.workspace import ExitCode, Refused, SourceError, UsageError, run_dir
from tests.runs.conftest import Stage, until
from tests.toys.processes import ENTRY, TABLE
from tests.toys.world import effects, value


@pytest.mark.parametrize("kind", ["probe", "load", "chaos", "runbook"])
def test_each_kind_of_run_passes_and_leaves_no_process(stage: Stage, kind: str) -> None:
    run = stage.spawn(kind)
    state = stage.until_over(run)
    assert str(state.verdict).startswith("pass")
    assert exit_code(view(stage.ledger, run)) is ExitCode.PASS
    assert list_open(stage.ledger) == ()
    assert verify(stage.ledger).flaw is None
    until(lambda: not list(marked("KEELWATCH_STATE", str(stage.state))), 5.0, "no process left")


def test_the_closing_fact_holds_the_hash_of_the_stream(stage: Stage) -> None:
    run = stage.spawn("probe")
    stage.until_over(run)
    (closing,) = stage.facts(run, FactKind.VERDICT)
    data = (run_dir(run) / "stream.jsonl").read_bytes()
    assert closing.body["stream"] == {"sha256": hashlib.sha256(data).hexdigest(), "lines": 3}


def test_an_intent_and_its_undo_are_on_record_before_the_world_is_touched(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=0.0)
    stage.until_over(run)
    order = [(fact.kind, "undoes" in fact.body) for fact in stage.facts(run)]
    assert order.index((FactKind.INTENT, False)) < order.index((FactKind.RESULT, False))
    first = next(fact for fact in stage.facts(run, FactKind.INTENT))
    assert first.body["undo"] == {
        "verb": "toy.set",
        "args": {"world": str(stage.world), "target": "billing", "value": ""},
    }


def test_undos_run_in_reverse(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=0.0)
    stage.until_over(run)
    assert [line.split()[1] for line in effects(stage.world)] == ["billing", "cache", "cache", "billing"]


def test_a_listing_tells_what_each_run_is_doing(stage: Stage) -> None:
    ended = stage.spawn("probe", hold_s=0.0)
    stage.until_over(ended)
    going = stage.spawn("chaos", hold_s=30.0)
    stage.until_value("cache", "lost")
    listed = {run.state.id: run for run in runs(stage.ledger)}
    assert list(listed) == sorted(listed, reverse=True)
    assert (listed[ended].phase, listed[ended].pid) == (Phase.ENDED, None)
    assert (listed[going].phase, listed[going].pid) == (Phase.RUNNING, stage.pid(going))
    assert listed[going].state.actor.startswith(f"{os.getuid()}:")
    assert living() == [going]
    stop(going)
    stage.until_over(going)


def test_term_stops_and_undoes(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=30.0)
    stage.until_value("cache", "lost")
    report = stop(run, "enough")
    state = stage.until_over(run)
    assert (report.signalled, report.error) == (True, "")
    assert state.verdict is not None
    assert state.verdict.exit_code is ExitCode.STOPPED
    assert (value(stage.world, "cache"), value(stage.world, "billing")) == ("", "")


def test_a_stop_that_is_only_recorded_stops_too(stage: Stage) -> None:
    run = stage.spawn("probe", hold_s=90.0)
    stage.until_value("account", "opened")
    stage.ledger.append(run, FactKind.COMMAND, {"event": "stop"}, actor="elsewhere")
    state = stage.until_over(run)
    assert state.verdict is not None
    assert state.verdict.reason == "stopped: stop by elsewhere"
    assert value(stage.world, "account") == ""


def test_the_lever_stops_the_runs_of_one_environment_and_no_other(stage: Stage) -> None:
    here = stage.spawn("probe", hold_s=90.0)
    there = spawn(stage.ledger, TABLE.kind("chaos"), "x", stage.args(hold_s=90.0), "elsewhere", ENTRY)
    stage.until_value("cache", "lost")
    assert [report.run for report in stop_all("toy")] == [here]
    stage.until_over(here)
    assert living() == [there]
    assert [report.run for report in stop_all("")] == [there]
    stage.until_over(there)


def test_the_lever_works_with_the_ledger_locked(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=30.0)
    stage.until_value("cache", "lost")
    until(lambda: len(stage.facts(run, FactKind.RESULT)) == 2)
    holder = subprocess.Popen(
        ["flock", str(stage.state / "ledger.lock"), "sleep", "60"], start_new_session=True
    )
    try:
        until(lambda: _is_locked(stage), what="the lock")
        (report,) = stop_all("")
        assert report.signalled
        assert "locked" in report.error
        stage.until_value("billing", "", within_s=40.0)
    finally:
        os.killpg(holder.pid, signal.SIGKILL)
        holder.wait()
    stage.until_over(run, within_s=60.0)
    heal(stage.ledger, TABLE)
    assert list_open(stage.ledger) == ()


def test_the_lever_works_with_the_disk_full(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=30.0)
    stage.until_value("cache", "lost")
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        (report,) = stop_all("")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
    assert report.signalled
    assert report.error
    stage.until_over(run)
    assert value(stage.world, "cache") == ""


def _is_locked(stage: Stage) -> bool:
    lock = str(stage.state / "ledger.lock")
    return subprocess.run(["flock", "-n", lock, "true"], check=False).returncode == 1


def test_a_runbook_pauses_on_term_and_goes_on_where_it_was(stage: Stage) -> None:
    run = stage.spawn("runbook", hold_s=1.0)
    stage.until_value("west", "drained")
    stop(run)
    paused = stage.until_over(run)
    assert paused.verdict is None
    assert view(stage.ledger, run).phase is Phase.PAUSED
    assert exit_code(view(stage.ledger, run)) is ExitCode.UNKNOWN
    assert [undo.state for undo in heal(stage.ledger, TABLE).open] == ["held"]
    resume(stage.ledger, run)
    done = stage.until_over(run)
    assert str(done.verdict) == "pass"
    assert done.epoch == paused.epoch + 1
    assert sorted(effects(stage.world)) == sorted(set(effects(stage.world)))
    with pytest.raises(Refused, match="ended"):
        resume(stage.ledger, run)


def test_a_runbook_whose_process_dies_is_orphaned_named_and_not_undone(stage: Stage) -> None:
    run = stage.spawn("runbook", hold_s=30.0)
    stage.until_value("west", "drained")
    until(lambda: bool(stage.facts(run, FactKind.RESULT)))
    stage.kill(run)
    assert stage.until_over(run).orphaned == "the run died"
    report = heal(stage.ledger, TABLE)
    assert [(undo.run, undo.target, undo.state) for undo in report.open] == [(run, "west", "orphaned")]
    assert report.exit_code is ExitCode.LEFT_BEHIND
    assert value(stage.world, "west") == "drained"


def test_a_changed_spec_is_not_resumed(stage: Stage) -> None:
    run = stage.spawn("runbook", hold_s=30.0)
    stage.until_value("west", "drained")
    stop(run)
    stage.until_over(run)
    spec = run_dir(run) / "spec.json"
    spec.write_text(spec.read_text().replace("30.0", "0.1"))
    with pytest.raises(NotStarted, match="was changed") as caught:
        resume(stage.ledger, run)
    assert caught.value.exit_code is ExitCode.REFUSED


def test_an_opaque_step_in_doubt_waits_for_a_person(stage: Stage) -> None:
    (stage.world / "crash.json").write_text(
        f'{{"point": "rang:after", "runs": "{stage.state}/runs", "signal": "SIGKILL", "victims": ["run"]}}'
    )
    run = stage.spawn("runbook", hold_s=0.1, page=True)
    stage.until_over(run)
    resume(stage.ledger, run)
    until(lambda: stage.load(run).question is not None, what="the question")
    assert view(stage.ledger, run).phase is Phase.PAUSED
    question = stage.load(run).question
    assert question is not None
    assert "toy.page on pager" in question.text
    assert attend(stage.ledger, run, lambda glance: None, may_ask=False)[1] is ExitCode.UNKNOWN
    with pytest.raises(Refused, match="no answer"):
        answer(stage.ledger, run, "perhaps")
    answer(stage.ledger, run, "done")
    assert str(stage.until_over(run).verdict) == "pass"
    assert effects(stage.world).count("toy.page pager rang") == 1


def test_a_run_that_cannot_start_says_why(stage: Stage) -> None:
    with pytest.raises(NotStarted, match="no kind of run 'unheard-of'"):
        spawn(stage.ledger, RunKind("unheard-of", lambda run: passed()), "x", {}, "toy", ENTRY)
    with pytest.raises(SourceError, match="ended before it had started") as caught:
        spawn(stage.ledger, TABLE.kind("probe"), "x", {}, "toy", "tests.toys.no_such_module")
    assert "no_such_module" in caught.value.hint
    assert [run.phase for run in runs(stage.ledger)] == [Phase.ENDED, Phase.ENDED]
    assert living() == []


def test_a_bug_in_an_actor_is_undone_logged_and_told_apart(stage: Stage) -> None:
    run = stage.spawn("buggy")
    state = stage.until_over(run)
    assert state.verdict is not None
    assert state.verdict.exit_code is ExitCode.INTERNAL
    assert "ZeroDivisionError" in (run_dir(run) / "log").read_text()
    assert effects(stage.world) == ["toy.set billing down", "toy.set billing "]


def test_last_words_are_said_when_everything_is_undone_and_stop_nothing(stage: Stage) -> None:
    before = value(stage.world, "billing")
    run = stage.spawn("wordy")
    state = stage.until_over(run)
    assert str(state.verdict) == "pass: billing was down"
    lines = (run_dir(run) / "stream.jsonl").read_text().splitlines()
    assert [json.loads(line)["sample"] for line in lines if "sample" in line] == [{"billing": before}]
    assert "no such word" in (run_dir(run) / "log").read_text()


def test_two_acts_of_one_name_are_a_bug_and_not_silently_one_act(stage: Stage) -> None:
    run = stage.spawn("twice")
    state = stage.until_over(run)
    assert state.verdict is not None
    assert state.verdict.reason == "step same was done already in this run"
    assert state.verdict.exit_code is ExitCode.INTERNAL


def test_two_terminals_see_the_same_run(stage: Stage) -> None:
    run = stage.spawn("probe")
    early = [item for glance in follow(stage.ledger, run) for item in glance.items]
    other = open_ledger()
    late = [item for glance in follow(other, run) for item in glance.items]
    other.close()
    assert {str(item) for item in early} == {str(item) for item in late}
    assert len([item for item in early if "sample" in str(item)]) == 3


def _follower(run: str) -> subprocess.Popen[str]:
    argv = [sys.executable, "-m", "tests.toys.follower", run]
    follower = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2])
    assert follower.stdout is not None
    assert "note created" in follower.stdout.readline()
    return follower


def test_a_hangup_detaches_the_follower_and_the_run_goes_on(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=30.0)
    follower = _follower(run)
    follower.send_signal(signal.SIGHUP)
    out, _ = follower.communicate(timeout=20)
    assert follower.returncode == 0
    assert "end: detached" in out
    assert view(stage.ledger, run).phase is Phase.RUNNING
    stop(run)
    stage.until_over(run)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_ctrl_c_at_the_follower_stops_and_undoes_and_tells(stage: Stage, number: signal.Signals) -> None:
    run = stage.spawn("chaos", hold_s=30.0)
    stage.until_value("cache", "lost")
    follower = _follower(run)
    follower.send_signal(number)
    out, _ = follower.communicate(timeout=20)
    assert follower.returncode == ExitCode.STOPPED
    assert "verdict" in out
    assert [fact.event for fact in stage.facts(run, FactKind.COMMAND)] == ["stop"]
    assert value(stage.world, "cache") == ""


def test_a_follower_of_a_run_that_dies_waits_for_its_undo(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=30.0)
    stage.until_value("cache", "lost")
    follower = _follower(run)
    stage.kill(run)
    out, _ = follower.communicate(timeout=20)
    assert follower.returncode == ExitCode.UNKNOWN
    assert "lease fenced" in out
    assert out.index("lease fenced") < out.index("verdict")
    assert value(stage.world, "cache") == ""


def test_a_killed_follower_stops_nothing(stage: Stage) -> None:
    run = stage.spawn("probe", hold_s=0.6)
    follower = _follower(run)
    follower.kill()
    follower.communicate()
    assert str(stage.until_over(run).verdict) == "pass"


def test_the_whole_group_of_a_child_dies_with_its_run(stage: Stage) -> None:
    run = stage.spawn("load", hold_s=60.0)
    until(lambda: len(list(marked("KEELWATCH_RUN", run))) >= 2, what="generator and its own child")
    stage.kill(run)
    stage.until_over(run)
    assert list(marked("KEELWATCH_RUN", run)) == []
    assert value(stage.world, "rate-limit") == ""


def test_a_run_that_never_was_is_neither_stopped_nor_recorded(stage: Stage) -> None:
    before = stage.ledger.head()
    with pytest.raises(UsageError, match="there is no run nosuch"):
        stop("nosuch")
    with pytest.raises(UsageError, match="there is no run nosuch"):
        load(stage.ledger, "nosuch")
    assert stage.ledger.head() == before
