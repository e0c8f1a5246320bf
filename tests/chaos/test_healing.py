"""Whatever becomes of an experiment, what it did is taken back and verified."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from console.chaos import story
from console.view.chaos import story_json, story_lines
from keelwatch.ledger import FactKind
from keelwatch.runs import Outcome, heal
from keelwatch.runs.state import has_guardian, is_alive
from keelwatch.workspace.errors import ExitCode
from tests.chaos.conftest import Lab
from tests.runs.conftest import until
from tests.toys.experiments import TABLE


def test_an_experiment_without_rollbacks_is_taken_back_all_the_same(lab: Lab) -> None:
    verdict = lab.run(lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "up")]))
    assert str(verdict).startswith("inconclusive: reach-unproven")
    assert lab.value("billing") == "up"
    assert lab.effects == ["toy.set billing down", "toy.set billing up"]


def test_a_killed_run_is_healed_by_its_guardian(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")]))
    lab.until_value("billing", "down")
    lab.kill(run)
    lab.until_value("billing", "up", 5)
    assert lab.end(run).outcome is Outcome.INVALID


def test_a_killed_run_names_the_rollbacks_that_are_lost_with_it(lab: Lab) -> None:
    mop = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    back = [mop, lab.call("chaos.actions", "undo", "undo")]
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")], (), back))
    lab.until_value("billing", "down")
    lab.kill(run)
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.LEFT_BEHIND
    assert verdict.reason == "the run died; rollback-failed: mop up: not known to be played"
    assert lab.value("billing") == "up"


def test_a_run_that_died_with_its_guardian_is_told_as_whoever_heals_it_will(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")]))
    lab.until_value("billing", "down")
    for who in ("guardian", "process"):
        lab.kill(run, who)
    until(lambda: not is_alive(run) and not has_guardian(run), 10, "both of them gone")
    told = story(lab.ledger, run)
    dead = story_json(told.view, told.told)
    words = story_lines(told.view, told.told)[-1]
    assert (dead["state"], dead["verdict"], dead["exit"]) == ("orphaned", "invalid", ExitCode.LEFT_BEHIND)
    heal(lab.ledger, TABLE)
    healed = story(lab.ledger, run)
    assert dead["reason"] == story_json(healed.view, healed.told)["reason"]
    assert words == story_lines(healed.view, healed.told)[-1]


def test_a_killed_tool_is_noticed_and_taken_back(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")]))
    lab.until_value("billing", "down")
    os.kill(lab.tool(run), signal.SIGKILL)
    verdict = lab.end(run)
    assert verdict.reason.startswith("tool-died")
    assert lab.value("billing") == "up"


def test_a_frozen_tool_is_noticed_and_taken_back(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")]))
    lab.until_value("billing", "down")
    os.kill(lab.tool(run), signal.SIGSTOP)
    verdict = lab.end(run)
    assert verdict.reason.startswith("tool-died: frozen")
    assert lab.value("billing") == "up"


def test_a_stop_interrupts_the_activity_and_plays_the_rollbacks(lab: Lab) -> None:
    rollback = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")], rollbacks=[rollback]))
    lab.until_value("billing", "down")
    lab.kill(run, number=signal.SIGTERM)
    verdict = lab.end(run, 10)
    assert verdict.exit_code is ExitCode.STOPPED
    assert (lab.value("billing"), lab.value("mopped")) == ("up", "yes")


def test_a_stop_is_heard_where_interrupts_were_ignored_by_whoever_started_it(lab: Lab) -> None:
    """As a shell starts what it puts into the background."""
    rollback = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")], rollbacks=[rollback]))
    finally:
        signal.signal(signal.SIGINT, before)
    lab.until_value("billing", "down")
    lab.stop(run)
    verdict = lab.end(run, 10)
    assert (verdict.exit_code, lab.value("mopped")) == (ExitCode.STOPPED, "yes")


@pytest.mark.parametrize("ending", ["late", "stopped"])
def test_what_a_command_started_ends_with_the_experiment(lab: Lab, ending: str) -> None:
    script = f"sleep 600 & echo $! > {lab.world}/draft; mv {lab.world}/draft {lab.world}/grandchild; wait"
    provider: dict[str, object] = {"type": "process", "path": "sh", "arguments": ["-c", script]}
    limit = {"timeout": 1} if ending == "late" else {}
    command: dict[str, object] = {"type": "action", "name": "command", "provider": {**provider, **limit}}
    run = lab.start(lab.experiment([lab.set("billing", "down"), command]))
    until(lambda: bool(lab.value("grandchild")), 20, "the grandchild")
    grandchild = Path("/proc") / lab.value("grandchild").strip()
    assert grandchild.exists()
    if ending == "stopped":
        lab.stop(run)
    lab.end(run)
    until(lambda: not is_running(grandchild), 5, "no grandchild")
    assert lab.value("billing") == "up"


def test_what_a_command_started_ends_with_the_command_that_is_given_up(lab: Lab) -> None:
    script = f"sleep 600 & echo $! > {lab.world}/draft; mv {lab.world}/draft {lab.world}/grandchild; wait"
    provider: dict[str, object] = {"type": "process", "path": "sh", "arguments": ["-c", script], "timeout": 1}
    command: dict[str, object] = {"type": "probe", "name": "command", "provider": provider}
    run = lab.start(lab.experiment([command, lab.set("billing", "down"), lab.wait("60s")]))
    lab.until_value("billing", "down")
    assert not is_running(Path("/proc") / lab.value("grandchild").strip())
    lab.stop(run)
    lab.end(run)


def is_running(process: Path) -> bool:
    """Whether it is there, and not only waits to be forgotten."""
    try:
        return (process / "stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_a_question_that_is_still_out_keeps_nothing_from_being_taken_back(lab: Lab) -> None:
    """Journeys may take two minutes."""
    (lab.world / "journeys").write_text("hang")
    look = lab.call(
        "chaos.probes", "journey_passes", "look", {"journey": "log-in", "region": "west"}, "probe"
    )
    run = lab.start(lab.experiment([lab.set("billing", "down"), look]))
    lab.until_value("billing", "down")
    until(lambda: "look" in str([fact.body for fact in lab.facts(run, FactKind.NOTE)]), 20, "the question")
    os.kill(lab.tool(run), signal.SIGKILL)
    lab.until_value("billing", "up", 5)
    lab.stop(run)
    lab.end(run)
