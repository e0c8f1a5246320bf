"""An experiment inside its guard: what trips it, what it may strike, and what proves that it reached
anybody."""

from __future__ import annotations

import pytest

from keelwatch.ledger import FactKind, JsonObject
from keelwatch.runs import Outcome
from keelwatch.runs.fields import text
from keelwatch.workspace.errors import ExitCode
from tests.chaos.conftest import Lab

GUARDED: JsonObject = {
    "name": "keelwatch",
    "guard": {"burn_rate": {"objectives": ["login-availability"]}},
    "reaches": "errors",
}


def test_a_hypothesis_that_holds_while_the_fault_reaches_traffic_passes(lab: Lab) -> None:
    shows = lab.call("beside", "write", "it shows", {"path": str(lab.world / "errors"), "text": "yes"})
    method = [lab.set("billing", "down"), shows, lab.wait("3s")]
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")]), GUARDED)
    assert str(lab.end(run)) == "pass: hypothesis-held"


def test_a_fault_that_nobody_meets_is_invalid(lab: Lab) -> None:
    method = [lab.set("billing", "down"), lab.wait("2s")]
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")]), GUARDED)
    assert str(lab.end(run)) == "invalid: fault-never-reached-traffic"


def test_a_burning_budget_ends_the_activity_that_is_on(lab: Lab) -> None:
    method = [lab.set("billing", "down"), lab.wait("60s"), lab.set("cache", "down")]
    run = lab.start(lab.experiment(method), GUARDED)
    lab.until_value("billing", "down")
    (lab.world / "burn").write_text("20")
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.STOPPED
    assert verdict.reason.startswith("guard-tripped: ")
    assert "(must hold: burn < 14.4x" in verdict.reason
    assert lab.effects == ["toy.set billing down", "toy.set billing up"]


def test_time_that_is_over_ends_it(lab: Lab) -> None:
    extension: JsonObject = {
        "name": "keelwatch",
        "guard": {"burn_rate": {"objectives": ["login-availability"]}, "most_time": "3s"},
    }
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")]), extension)
    assert "(must hold: time" in lab.end(run).reason
    assert lab.value("billing") == "up"


def test_an_act_outside_of_the_blast_radius_is_refused_and_ends_it(lab: Lab) -> None:
    extension = {**GUARDED, "blast_radius": {"at_once": 1}}
    method = [lab.set("billing", "down"), lab.set("cache", "down"), lab.wait("60s")]
    run = lab.start(lab.experiment(method), extension)
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.REFUSED
    assert "would be act 2 in force" in verdict.reason
    assert lab.effects == ["toy.set billing down", "toy.set billing up"]


def test_nothing_follows_an_act_outside_of_the_blast_radius(lab: Lab) -> None:
    extension = {**GUARDED, "blast_radius": {"at_once": 1}}
    strike = lab.call("beside", "write", "strike", {"path": str(lab.world / "struck"), "text": "yes"})
    mop = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    method = [lab.set("billing", "down"), lab.set("cache", "down"), strike]
    run = lab.start(lab.experiment(method, rollbacks=[mop]), extension)
    assert lab.end(run).exit_code is ExitCode.REFUSED
    assert (lab.value("struck"), lab.value("mopped"), lab.value("billing")) == ("", "yes", "up")


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"sandbox": "other"}, "sandbox is named"),
        ({"environment": "prod"}, "environment is named"),
        ({"url": "http://192.0.2.1/reboot"}, "http://192.0.2.1/reboot is not of this environment"),
    ],
)
def test_an_act_outside_of_the_environment_is_refused_and_ends_it(
    lab: Lab, named: dict[str, str], told: str
) -> None:
    arguments = {"world": str(lab.world), "target": "billing", "value": "down", **named}
    act = lab.call("chaos.actions", "act", "strike", {"verb": "toy.set", "arguments": arguments})
    verdict = lab.run(lab.experiment([act, lab.wait("60s")], [lab.is_("cache", "up")]))
    assert verdict.exit_code is ExitCode.REFUSED
    assert verdict.reason.startswith(f"out-of-bounds: {told}")
    assert lab.effects == []


def test_two_experiments_never_break_one_environment_at_once(lab: Lab) -> None:
    first = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")]))
    lab.until_value("billing", "down")
    second = lab.run(lab.experiment([lab.set("cache", "down")]))
    assert second.exit_code is ExitCode.REFUSED
    lab.stop(first)
    lab.end(first)


def test_load_runs_beside_it_and_is_stopped_afterwards(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.wait("1s")], [lab.is_("cache", "up")]), load="steady")
    assert lab.end(run).reason.startswith("reach-unproven")
    (note,) = [fact for fact in lab.facts(run, FactKind.NOTE) if fact.event == "load"]
    load = lab.view(text(note.body, "run"))
    assert str(load.state.verdict).startswith("inconclusive: stopped")


def test_a_load_that_its_gate_refuses_refuses_the_experiment_before_anything_is_broken(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "up")]), load="refused")
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.REFUSED
    assert verdict.reason == "the load may not start: login-availability burns already (page)"
    assert lab.effects == []


def test_nothing_is_broken_before_a_request_of_the_load_was_answered(lab: Lab) -> None:
    """That it may begin is no load before the experiment."""
    run = lab.start(lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "up")]), load="unheard")
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.UNKNOWN
    assert verdict.reason == "the load had no good answer in 3 s"
    assert lab.effects == []


@pytest.mark.deep
def test_a_load_that_ends_by_itself_makes_it_invalid(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")]), load="short")
    verdict = lab.end(run)
    assert verdict.outcome is Outcome.INVALID
    assert verdict.reason.startswith("load: load run")
    assert lab.value("billing") == "up"


@pytest.mark.deep
def test_the_guard_of_the_load_is_as_good_as_ours(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")]), load="guarded")
    verdict = lab.end(run)
    assert verdict.exit_code is ExitCode.STOPPED
    assert verdict.reason == "guard-tripped: the load's guard: guard-tripped: burn"
    assert lab.value("billing") == "up"
