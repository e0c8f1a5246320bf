"""Whatever becomes of an experiment, what it did is taken back and verified."""

from __future__ import annotations

import os
import signal

from keelwatch.runs import Outcome
from keelwatch.workspace.errors import ExitCode
from tests.chaos.conftest import Lab


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
