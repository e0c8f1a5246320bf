"""Runbooks carried out: in order, once, resumable, and only where the world is as it was planned."""

from __future__ import annotations

import signal

import pytest

from keelwatch.ledger import FactKind, JsonObject, current_actor, verify
from keelwatch.runs import Phase
from keelwatch.workspace import ExitCode
from runbooks.conduct.progress import StepState
from tests.runbooks.conftest import Shop
from tests.runbooks.texts import DONE_ONCE, FAILOVER, GUARDED, steps
from tests.runs.conftest import until
from tests.sampled import sampled


def test_every_step_in_order_and_once(shop: Shop) -> None:
    shop.write(FAILOVER)
    run = shop.start()
    found = shop.end(run)
    assert str(found.state.verdict).startswith("pass: RTO ")
    assert shop.effects == DONE_ONCE
    assert set(steps(shop, run).values()) == {StepState.DONE}
    assert verify(shop.ledger).flaw is None


POINTS = [
    f"{verb}:{at}" for verb in ("pg.fence", "pg.promote", "edge.weight") for at in ("plan", "before", "after")
]


@pytest.mark.parametrize("point", sampled(POINTS, 2))
def test_a_run_killed_at_any_boundary_is_resumed_and_nothing_lands_twice(shop: Shop, point: str) -> None:
    shop.write(FAILOVER)
    run = shop.start(crash_at=point)
    until(lambda: shop.view(run).phase is Phase.ORPHANED, 20, "an orphan")
    shop.resume(run)
    found = shop.end(run)
    assert found.state.verdict is not None, found
    assert found.state.verdict.exit_code is ExitCode.PASS
    assert shop.effects == DONE_ONCE
    assert verify(shop.ledger).flaw is None


def test_a_stop_pauses_and_the_pinned_text_goes_on(shop: Shop) -> None:
    shop.write(FAILOVER)
    shop.put("broken-database-east", "")
    run = shop.start()
    shop.question(run)
    shop.kill(run, signal.SIGTERM)
    assert shop.end(run).phase is Phase.PAUSED
    shop.write("  - id: other\n    shell: {command: [x]}\n    undo: none\n")
    (shop.world / "broken-database-east").unlink()
    shop.resume(run)
    assert shop.question(run).text == "promote failed: database-east is broken"  # it asks anew, and acts not
    assert shop.effects == DONE_ONCE[:1]
    shop.answer(run, "retry")
    assert shop.end(run).state.verdict is not None
    assert shop.effects == DONE_ONCE


def test_two_runs_with_one_lock_are_one_too_many(shop: Shop) -> None:
    shop.write(FAILOVER)
    shop.put("broken-database-east", "")
    first = shop.start()
    shop.question(first)
    second = shop.start()
    found = shop.end(second).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.REFUSED
    assert f"is held by {current_actor()} with run {first} since" in found.reason
    assert shop.effects == DONE_ONCE[:1]


def test_a_plan_of_another_world_is_refused(shop: Shop) -> None:
    shop.write(FAILOVER)
    found = shop.end(shop.start(plan_sha="0123456789abcdef")).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.REFUSED
    assert "the world has changed since the plan" in found.reason
    assert shop.effects == []


def test_neighbours_of_a_group_act_at_the_same_time_and_all_end(shop: Shop) -> None:
    shop.write(
        "  - {id: one, pg.promote: {region: $to}, undo: none, parallel: g}\n"
        "  - {id: two, redis.promote: {region: $to}, parallel: g}\n"
    )
    shop.put("broken-database-east", "")
    run = shop.start()
    assert shop.question(run).text == "one failed: database-east is broken"
    until(lambda: steps(shop, run).get("two") is StepState.DONE, 20, "the other one")
    shop.answer(run, "abort")
    found = shop.end(run).state.verdict
    assert found is not None


def test_what_was_done_and_undone_by_somebody_else_is_asserted_again(shop: Shop) -> None:
    """A reload of the edge loses its weights: noticed at the end, however long ago they were set."""
    shop.write(
        "  - {id: shift, edge.weight: {to: $to, away_from: $from}, undo: previous}\n"
        "  - {id: wait, human: Wait.}\n"
    )
    run = shop.start()
    shop.question(run)
    shop.put("edge", "even")
    shop.answer(run, "done")
    assert shop.end(run).state.verdict is not None
    assert shop.value("edge") == "east=100 west=0"


def test_a_ramp_goes_back_when_journeys_fail_and_forward_when_they_pass_again(shop: Shop) -> None:
    shop.put("edge", "even")
    shop.put("journeys", "fail")
    shop.write(GUARDED)
    run = shop.start()
    assert "shift failed: stopped: log-in in east: fail" in shop.question(run).text
    assert shop.value("edge") == "even"
    assert shop.effects == ["edge.weight edge east=50 west=50", "edge.weight edge even"]
    shop.put("journeys", "pass")
    shop.answer(run, "retry")
    assert shop.end(run).state.verdict is not None
    assert shop.value("edge") == "east=100 west=0"


def test_a_runbook_may_not_begin_beside_chaos(shop: Shop) -> None:
    """The invariant of every actor, also when the runbook names no rules."""
    created = {"event": "created", "kind": "chaos", "name": "x", "env": "shop", "on_death": "undo"}
    shop.ledger.append("20261125-000000-chaos-0000", FactKind.NOTE, created, actor="0:ada (claimed)")
    lease: JsonObject = {"event": "taken", "scope": "run/20261125-000000-chaos-0000", "epoch": 1}
    shop.ledger.append("20261125-000000-chaos-0000", FactKind.LEASE, lease, actor="0:ada (claimed)")
    paused = {"event": "paused", "reason": "x"}
    shop.ledger.append("20261125-000000-chaos-0000", FactKind.NOTE, paused, actor="0:ada (claimed)")
    shop.write(FAILOVER)
    found = shop.end(shop.start()).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.REFUSED
    assert "no-chaos-running" in found.reason
    assert shop.effects == []


def test_a_run_that_is_paused_is_gone_on_with_or_ended_before_another_begins(shop: Shop) -> None:
    shop.write(FAILOVER)
    shop.put("broken-database-east", "")
    first = shop.start()
    shop.question(first)
    shop.kill(first, signal.SIGTERM)
    shop.end(first)
    found = shop.end(shop.start()).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.REFUSED
    assert f"run {first}" in found.reason
    assert "is paused and not over" in found.reason
