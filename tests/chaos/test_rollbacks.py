"""Rollbacks that are acts of ours: they are played whatever ended the method, they stay, and are told if they
fail."""

from __future__ import annotations

from chaos.story import story_of
from keelwatch.ledger import JsonObject
from keelwatch.workspace.errors import ExitCode
from tests.chaos.conftest import Activity, Lab

GUARDED: JsonObject = {
    "name": "keelwatch",
    "guard": {"burn_rate": {"objectives": ["login-availability"]}},
    "reaches": "errors",
    "every": "1s",
}


def write(lab: Lab, target: str, text: str) -> Activity:
    """An action that is none of ours."""
    return lab.call("beside", "write", f"{target} {text}", {"path": str(lab.world / target), "text": text})


def broken(lab: Lab) -> Activity:
    return lab.call("chaos.actions", "act", "mend", {"verb": "toy.nothing", "arguments": {}})


def test_an_act_that_is_a_rollback_stays(lab: Lab) -> None:
    method = [write(lab, "cache", "down"), write(lab, "errors", "yes"), lab.wait("2s")]
    run = lab.start(lab.experiment(method, [lab.is_("billing", "up")], [lab.set("cache", "up")]), GUARDED)
    assert str(lab.end(run)) == "pass: hypothesis-held"
    assert lab.value("cache") == "up"
    assert lab.effects == ["toy.set cache up"]
    assert story_of(lab.facts(run)).faults == ()


def test_it_does_not_count_as_one_in_force(lab: Lab) -> None:
    method = [lab.set("billing", "down"), write(lab, "cache", "down")]
    extension = {**GUARDED, "blast_radius": {"at_once": 1}}
    verdict = lab.end(lab.start(lab.experiment(method, (), [lab.set("cache", "up")]), extension))
    assert "out-of-bounds" not in str(verdict)
    assert (lab.value("billing"), lab.value("cache")) == ("up", "up")


def test_it_is_played_when_the_run_is_stopped(lab: Lab) -> None:
    method = [write(lab, "cache", "down"), lab.set("billing", "down"), lab.wait("60s")]
    run = lab.start(lab.experiment(method, [lab.is_("billing", "up")], [lab.set("cache", "up")]))
    lab.until_value("billing", "down")
    lab.stop(run)
    assert lab.end(run).exit_code is ExitCode.STOPPED
    assert (lab.value("billing"), lab.value("cache")) == ("up", "up")


def test_it_is_played_when_the_guard_trips(lab: Lab) -> None:
    method = [write(lab, "cache", "down"), lab.set("billing", "down"), lab.wait("60s")]
    run = lab.start(lab.experiment(method, (), [lab.set("cache", "up")]), GUARDED)
    lab.until_value("billing", "down")
    (lab.world / "burn").write_text("20")
    assert lab.end(run).exit_code is ExitCode.STOPPED
    assert (lab.value("billing"), lab.value("cache")) == ("up", "up")


def test_one_that_fails_is_left_behind(lab: Lab) -> None:
    method = [write(lab, "cache", "down"), write(lab, "errors", "yes"), lab.wait("2s")]
    run = lab.start(lab.experiment(method, [lab.is_("billing", "up")], [broken(lab)]), GUARDED)
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.LEFT_BEHIND
    assert "rollback-failed: mend: " in verdict.reason


def test_one_that_fails_after_a_stop_is_left_behind(lab: Lab) -> None:
    method = [lab.set("billing", "down"), lab.wait("60s")]
    run = lab.start(lab.experiment(method, (), [broken(lab)]))
    lab.until_value("billing", "down")
    lab.stop(run)
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.LEFT_BEHIND
    assert "rollback-failed: mend: " in verdict.reason


def test_one_that_sets_a_fault_is_refused_and_left_behind(lab: Lab) -> None:
    arguments = {"fault": "billing.latency", "value": "400ms", "for_": "10m"}
    anew = lab.call("chaos.actions", "fault", "slow it down", arguments)
    method = [lab.set("billing", "down"), write(lab, "errors", "yes"), lab.wait("2s")]
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")], [anew, lab.set("cache", "up")]), GUARDED)
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.LEFT_BEHIND
    assert "rollback-failed: slow it down: " in verdict.reason
    assert "fault.set: a rollback mends; it sets no fault" in verdict.reason
    assert lab.effects[1:] == ["toy.set cache up", "toy.set billing up"]


def test_a_dry_run_refuses_one_that_sets_a_fault(lab: Lab) -> None:
    arguments = {"fault": "billing.latency", "value": "${slow}"}
    anew = lab.call("chaos.actions", "fault", "slow it down", arguments)
    experiment = lab.experiment([lab.set("billing", "down")], (), [anew, lab.set("cache", "up")])
    plan = lab.plan({**experiment, "configuration": {"slow": "400ms"}})
    assert [one.trouble for one in plan] == ["", "fault.set: a rollback mends; it sets no fault", ""]
