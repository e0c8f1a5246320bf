"""What keeps an experiment from beginning: nothing is broken then, and it says why."""

from __future__ import annotations

import pytest

from keelwatch.ledger import JsonObject
from keelwatch.runs import spawn
from keelwatch.workspace.errors import ExitCode
from tests.chaos.conftest import Lab
from tests.toys.experiments import ENTRY, TABLE

GUARDED: JsonObject = {
    "name": "keelwatch",
    "guard": {"burn_rate": {"objectives": ["login-availability"]}},
    "reaches": "errors",
}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("page", "login-availability burns already (page)"),
        ("ticket", "login-availability burns already (ticket)"),
        ("unknown", "nobody can tell whether login-availability burns: no data"),
    ],
)
def test_what_burns_already_or_nobody_knows_of_is_not_broken_further(
    lab: Lab, state: str, reason: str
) -> None:
    (lab.world / "state").write_text(state)
    verdict = lab.end(lab.start(lab.experiment([lab.set("billing", "down")]), GUARDED))
    assert (verdict.reason, verdict.exit_code) == (reason, ExitCode.REFUSED)
    assert lab.effects == []


def test_nothing_is_broken_during_a_failover(lab: Lab) -> None:
    failover = spawn(lab.ledger, TABLE.kind("runbook"), "failover-region", {}, "lab", ENTRY)
    verdict = lab.run(lab.experiment([lab.set("billing", "down")]))
    assert verdict.exit_code is ExitCode.REFUSED
    assert f"no-runbook-running): runbook: {failover}" in verdict.reason
    assert lab.effects == []
    lab.stop(failover)
    lab.end(failover)


def test_a_proof_that_holds_already_proves_nothing(lab: Lab) -> None:
    (lab.world / "errors").write_text("yes")
    run = lab.start(lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "up")]), GUARDED)
    assert str(lab.end(run)) == "invalid: reach-unproven: the proof is yes before the method: errors: 1"
    assert lab.effects == []


def test_a_control_that_interrupts_lets_nothing_through(lab: Lab) -> None:
    rollback = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    method = [lab.set("billing", "down")]
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")], [rollback], controls=[gate(lab, "")]))
    verdict = lab.end(run)
    assert str(verdict) == "inconclusive: control-interrupted: approval"
    assert verdict.exit_code is ExitCode.STOPPED
    assert lab.effects == []
    assert lab.value("mopped") == "yes"


def test_a_control_that_interrupts_an_asking_beside_the_method_ends_the_method(lab: Lab) -> None:
    extension: JsonObject = {"name": "keelwatch", "guard": GUARDED["guard"], "every": "100ms"}
    method = [lab.set("billing", "down"), lab.wait("60s"), lab.set("cache", "down")]
    wary = gate(lab, str(lab.world / "billing"))
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")], controls=[wary]), extension)
    verdict = lab.end(run, 15)
    assert str(verdict) == "inconclusive: control-interrupted: approval"
    assert lab.effects == ["toy.set billing down", "toy.set billing up"]


def gate(lab: Lab, wary_of: str) -> dict[str, object]:
    """Interrupts every action; with a file, every probe once that says `down`, and no action."""
    (lab.folder / "gate.py").write_text(f"""
import pathlib
from chaoslib.exceptions import InterruptExecution

def before_activity_control(context, **others):
    wary_of = {wary_of!r}
    if wary_of:
        if context["type"] == "probe" and pathlib.Path(wary_of).read_text() == "down":
            raise InterruptExecution("not approved any more")
    elif context["type"] == "action" and context["name"] != "mop up":
        raise InterruptExecution("not approved")
""")
    return {"name": "approval", "provider": {"type": "python", "module": "gate"}}
