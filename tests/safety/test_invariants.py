"""What may never happen: no region serving, and chaos or load beside a failover."""

from __future__ import annotations

from dataclasses import replace

import pytest

from keelwatch.runs import Phase, RunState, RunView
from keelwatch.safety import Rule, Situation, holds, require_beside
from keelwatch.workspace import Answer, Condition, Refused

YES, NO, UNKNOWN = Condition.yes("UP"), Condition.no("DOWN"), Condition.unknown("no answer")


def living(kind: str, phase: Phase = Phase.RUNNING, env: str = "prod") -> RunView:
    state = RunState(id=f"{kind}-1", kind=kind, env=env, actor="0:alice (claimed)")
    return RunView(state, phase, 4711)


@pytest.mark.parametrize(
    ("serving", "answer"),
    [
        ({"west": YES, "east": YES}, Answer.YES),
        ({"west": YES, "east": NO}, Answer.YES),
        ({"west": UNKNOWN, "east": YES}, Answer.YES),
        ({"west": NO, "east": UNKNOWN}, Answer.UNKNOWN),
        ({"west": UNKNOWN, "east": UNKNOWN}, Answer.UNKNOWN),
        ({"west": NO, "east": NO}, Answer.NO),
        ({}, Answer.NO),
    ],
)
def test_one_region_always_serves(serving: dict[str, Condition], answer: Answer) -> None:
    found = holds(Rule.ONE_REGION_SERVING, Situation("prod", serving, ()))

    assert found.answer is answer
    assert all(region in found.evidence for region in serving)


@pytest.mark.parametrize(
    ("kind", "beside", "may"),
    [
        ("runbook", "chaos", False),
        ("runbook", "load", False),
        ("chaos", "runbook", False),
        ("load", "runbook", False),
        ("runbook", "probe", True),
        ("probe", "runbook", True),
        ("chaos", "load", True),
        ("load", "chaos", True),
        ("runbook", "runbook", True),  # that is up to their lock
    ],
)
def test_neither_chaos_nor_load_runs_beside_a_failover(kind: str, beside: str, *, may: bool) -> None:
    runs = [living(beside)]
    if may:
        require_beside(kind, "prod", runs)
    else:
        with pytest.raises(Refused, match=f"{beside}-1 of 0:alice"):
            require_beside(kind, "prod", runs)
    require_beside(kind, "staging", runs)  # another environment is another world


@pytest.mark.parametrize("phase", list(Phase))
def test_a_run_counts_until_its_work_is_whole_or_taken_back(phase: Phase) -> None:
    situation = Situation("prod", {}, (living("chaos", phase),))

    answer = holds(Rule.NO_CHAOS_RUNNING, situation).answer

    assert answer is (Answer.YES if phase is Phase.ENDED else Answer.NO)


def test_every_rule_can_be_asked() -> None:
    quiet = Situation("prod", {"west": YES}, ())

    assert {holds(rule, quiet).answer for rule in Rule} == {Answer.YES}
    busy = replace(quiet, runs=(living("chaos"), living("load"), living("runbook")))
    rest = set(Rule) - {Rule.ONE_REGION_SERVING}
    assert {holds(rule, busy).answer for rule in rest} == {Answer.NO}
