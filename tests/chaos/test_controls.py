"""A control that exits is one that crashed, wherever it stands; each on the real Chaos Toolkit."""

from __future__ import annotations

import pytest

from keelwatch.ledger import JsonObject
from tests.chaos.conftest import Activity, Lab

GUARDED: JsonObject = {
    "name": "keelwatch",
    "guard": {"burn_rate": {"objectives": ["login-availability"]}},
    "reaches": "errors",
    "every": "1s",
}


def gate(lab: Lab, ending: str, level: str = "before_activity_control") -> dict[str, object]:
    """Ends so at every action."""
    (lab.folder / "gate.py").write_text(f"""
import sys

def {level}(context, **others):
    if context.get("type") == "action":
        {ending}
""")
    return {"name": "approval", "provider": {"type": "python", "module": "gate"}}


def write(lab: Lab, target: str, to: str) -> Activity:
    return lab.call("beside", "write", f"{target} {to}", {"path": str(lab.world / target), "text": to})


@pytest.mark.parametrize("ending", ["sys.exit(0)", "raise KeyboardInterrupt", "raise GeneratorExit"])
def test_an_action_in_the_background_that_a_control_swallowed_never_passes(lab: Lab, ending: str) -> None:
    lost = {**lab.set("billing", "down"), "background": True, "controls": [gate(lab, ending)]}
    method = [lost, write(lab, "errors", "yes"), lab.wait("2s")]
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")]), GUARDED)
    verdict = lab.end(run)
    assert verdict.reason.startswith("control-crashed: approval at activity-before: ")
    assert lab.effects == []


@pytest.mark.parametrize("more", [{"background": True}, {}])
def test_a_control_that_exits_keeps_no_rollback_from_being_played(lab: Lab, more: Activity) -> None:
    method = [{**lab.set("billing", "down"), **more}]
    mop = [write(lab, "mopped", "yes"), write(lab, "swept", "yes")]
    verdict = lab.run(lab.experiment(method, (), mop, controls=[gate(lab, "sys.exit(0)")]))
    assert verdict.reason == "control-crashed: approval at activity-before: SystemExit: 0"
    assert (lab.value("mopped"), lab.value("swept")) == ("yes", "yes")


def test_a_control_that_exits_after_an_action_is_a_crash(lab: Lab) -> None:
    crash = gate(lab, "sys.exit(0)", "after_activity_control")
    verdict = lab.run(
        lab.experiment([lab.set("billing", "down"), lab.set("cache", "down")], controls=[crash])
    )
    assert verdict.reason == "control-crashed: approval at activity-after: SystemExit: 0"
    assert lab.effects == ["toy.set billing down", "toy.set billing up"]


def test_an_action_that_a_thread_lost_is_unfinished(lab: Lab) -> None:
    """Two of one name: one succeeds, and the other's own words make its thread stumble."""
    good = write(lab, "errors", "yes")
    lost = {**good, "background": True, "pauses": {"before": "${late}"}}
    experiment = lab.experiment([lost, good, lab.wait("2s")], [lab.is_("cache", "up")])
    run = lab.start({**experiment, "configuration": {"late": "soon"}}, GUARDED)
    assert str(lab.end(run)) == "invalid: unfinished: errors yes never began"


def test_an_activity_that_exits_in_the_background_is_unfinished(lab: Lab) -> None:
    (lab.folder / "leave.py").write_text("import sys\ndef leave():\n    sys.exit(0)\n")
    lost = {**lab.call("leave", "leave", "leave"), "background": True}
    method = [lost, write(lab, "errors", "yes"), lab.wait("2s")]
    run = lab.start(lab.experiment(method, [lab.is_("cache", "up")]), GUARDED)
    assert str(lab.end(run)) == "invalid: unfinished: leave"


def test_a_method_that_names_its_activities_elsewhere_is_whole(lab: Lab) -> None:
    probe = lab.is_("cache", "up")
    method: list[Activity] = [write(lab, "errors", "yes"), {"ref": "errors yes"}, {"ref": "cache is up"}]
    run = lab.start(lab.experiment([*method, lab.wait("2s")], [probe]), GUARDED)
    assert str(lab.end(run)) == "pass: hypothesis-held"
