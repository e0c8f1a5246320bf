"""Runbooks carried out: in order, once, resumable, taken back in reverse, decided by people where needed."""

from __future__ import annotations

import signal
import time

import pytest

from keelwatch.ledger import FactKind, JsonObject, current_actor, verify
from keelwatch.runs import Phase
from keelwatch.safety import Request, approve, login_of
from keelwatch.workspace import ExitCode, Refused
from keelwatch.workspace.model import PolicySpec, Role
from runbooks.conduct.progress import StepState
from runbooks.stages import Mode
from tests.runbooks.conftest import Shop
from tests.runs.conftest import until

FAILOVER = """\
  - id: freeze
    pg.fence: {region: $from}
    undo: previous
  - id: promote
    pg.promote: {region: $to}
    undo: none
  - id: shift
    edge.weight: {to: $to, away_from: $from, ramp: [50, 100]}
"""
DRAIN = """\
  - id: drain
    edge.drain: {region: $from}
    undo: previous
  - id: shift
    edge.weight: {to: $to, away_from: $from}
    undo: previous
  - id: again
    redis.promote: {region: $to}
    undo: {edge.ready: {region: $from}}
"""
DONE_ONCE = [
    "pg.fence writes-west fenced",
    "pg.promote database-east primary",
    "edge.weight edge east=50 west=50",
    "edge.weight edge east=100 west=0",
]


def steps(shop: Shop, run: str) -> dict[str, StepState]:
    return {name: one.state for name, one in shop.progress(run).steps.items()}


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


@pytest.mark.parametrize("point", POINTS)
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


@pytest.mark.parametrize(("answer", "ran"), [("done", 1), ("not-done", 2)])
@pytest.mark.parametrize("at", ["before", "after"])
def test_what_nobody_can_tell_is_decided_by_a_person(shop: Shop, at: str, answer: str, ran: int) -> None:
    shop.write("  - id: tell\n    shell: {command: [ring]}\n    undo: none\n")
    run = shop.start(crash_at=f"shell:{at}")
    until(lambda: shop.view(run).phase is Phase.ORPHANED, 20, "an orphan")
    shop.resume(run)
    question = shop.question(run)
    assert "did shell on shell happen? nobody can tell" in question.text
    assert question.choices == ("done", "not-done", "abort")
    shop.answer(run, answer)
    assert shop.end(run).state.verdict is not None
    assert len(shop.effects) == ran - (at == "before")


def test_a_step_that_fails_is_tried_again_when_a_person_says_so(shop: Shop) -> None:
    shop.write(FAILOVER)
    shop.put("broken-edge", "")
    run = shop.start()
    assert shop.question(run).text == "shift failed: edge is broken"
    (shop.world / "broken-edge").unlink()
    shop.answer(run, "retry")
    assert shop.end(run).state.verdict is not None
    assert shop.effects == DONE_ONCE


def test_a_step_is_skipped_only_with_a_reason(shop: Shop) -> None:
    shop.write(DRAIN)
    shop.put("broken-edge", "")
    run = shop.start()
    shop.question(run)
    with pytest.raises(Refused, match="wants a reason"):
        shop.answer(run, "skip")
    shop.answer(run, "skip", "the balancer is being replaced")
    found = shop.end(run)
    assert found.state.verdict is not None
    assert found.state.verdict.exit_code is ExitCode.PASS
    assert steps(shop, run)["shift"] is StepState.SKIPPED
    assert "the balancer is being replaced" in shop.progress(run).step("shift").words


def test_an_abort_takes_everything_back_newest_first(shop: Shop) -> None:
    shop.put("drain-west", "ready")
    shop.put("edge", "even")
    shop.write(DRAIN)
    shop.put("broken-cache-east", "")
    run = shop.start()
    shop.answer(run, "abort", "enough")
    found = shop.end(run)
    assert found.state.verdict is not None
    assert found.state.verdict.exit_code is ExitCode.STOPPED
    assert "enough; all taken back" in found.state.verdict.reason
    # The step that failed may have landed: its undo comes first, and `drain-west` is ready then already.
    assert (shop.value("edge"), shop.value("drain-west")) == ("even", "ready")
    undone = [line for line in shop.effects if line.endswith(("ready", "even"))]
    assert undone == ["edge.ready drain-west ready", "edge.weight edge even"]


def test_after_the_point_of_no_return_an_abort_takes_nothing_back(shop: Shop) -> None:
    shop.write(FAILOVER)
    shop.put("broken-edge", "")
    run = shop.start()
    shop.answer(run, "abort", "too late at night")
    found = shop.end(run)
    assert found.state.verdict is not None
    assert found.state.verdict.exit_code is ExitCode.LEFT_BEHIND
    assert "aborted after promote, the point of no return" in found.state.verdict.reason
    assert shop.value("writes-west") == "fenced"


def test_what_cannot_be_taken_back_ends_in_8(shop: Shop) -> None:
    shop.put("drain-west", "ready")
    shop.write(DRAIN)
    shop.put("broken-edge", "")
    run = shop.start()
    shop.question(run)
    shop.put("broken-drain-west", "")
    shop.answer(run, "abort")
    found = shop.end(run)
    assert found.state.verdict is not None
    assert found.state.verdict.exit_code is ExitCode.LEFT_BEHIND
    assert "not taken back: drain/1" in found.state.verdict.reason


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


APPROVED = "  - id: go\n    approve: {expires: EXPIRES}\n" + FAILOVER
POLICY = PolicySpec(roles={"*": Role.OPERATOR, "second": Role.APPROVER}, drill_approvals=True)


def say_yes(shop: Shop, run: str, plan_sha: str = "", drill_as: str = "second") -> None:
    until(lambda: shop.progress(run).approval is not None, 20, "a wish for approval")
    sha = plan_sha or shop.progress(run).plan_sha
    request = Request(sha, login_of(shop.view(run).state.actor), "go")
    payload = approve(POLICY, request, login_of(current_actor()), time.time(), 60, drill_as)
    shop.ledger.append(run, FactKind.APPROVAL, payload, actor=current_actor())


def test_another_persons_yes_to_this_plan_is_waited_for(shop: Shop) -> None:
    shop.write(APPROVED.replace("EXPIRES", "10m"))
    run = shop.start()
    say_yes(shop, run, plan_sha="of-another-plan")
    assert shop.effects == []
    with pytest.raises(Refused, match="nobody approves their own"):
        say_yes(shop, run, drill_as="")
    say_yes(shop, run)
    assert shop.end(run).state.verdict is not None
    assert shop.effects == DONE_ONCE


def test_without_a_yes_in_time_the_run_ends_and_did_nothing(shop: Shop) -> None:
    shop.write(APPROVED.replace("EXPIRES", "1s"))
    found = shop.end(shop.start()).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.STOPPED
    assert "not approved in time: approved by nobody, 1 more needed; nothing had been done" in found.reason
    assert shop.effects == []


def test_the_time_to_approve_is_not_begun_anew_by_a_resume(shop: Shop) -> None:
    shop.write(APPROVED.replace("EXPIRES", "10m"))
    run = shop.start()
    until(lambda: shop.progress(run).approval is not None, 20, "a wish for approval")
    before = shop.progress(run).approval
    shop.kill(run, signal.SIGTERM)
    shop.end(run)
    shop.resume(run)
    until(lambda: shop.view(run).pid is not None, 20, "a process")
    say_yes(shop, run)
    assert shop.end(run).state.verdict is not None
    assert shop.events(run, "approval-wanted")[0]["until"] == before.until if before else False
    assert len(shop.events(run, "approval-wanted")) == 1


HUMAN = "  - id: look\n    human: Look at $to, and paste the link.\n    evidence: url\n"


def test_a_person_hands_evidence_in_and_it_is_looked_at(shop: Shop) -> None:
    shop.write(HUMAN)
    run = shop.start()
    assert shop.question(run).text == "look: Look at east, and paste the link. (evidence: url)"
    first = shop.question(run).seq
    shop.answer(run, "done", "it looks fine")
    until(lambda: (one := shop.view(run).state.question) is not None and one.seq != first, 20, "a complaint")
    assert shop.question(run).text.startswith("look: 'it looks fine' is no link.")
    shop.answer(run, "done", "https://status.example/7")
    assert shop.end(run).state.verdict is not None
    assert "https://status.example/7" in shop.progress(run).step("look").words


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


UNGRACEFUL = """\
  - id: freeze
    pg.fence: {region: $from}
    undo: previous
    ungraceful: {if_unreachable: ask}
  - id: promote
    pg.promote: {region: $to}
    undo: none
  - id: rejoin
    pg.rejoin: {region: $from}
    ungraceful: {accept: '$from has no standby'}
"""


def test_ungraceful_a_dead_region_is_asked_about_and_its_rejoin_is_borne(shop: Shop) -> None:
    shop.write(UNGRACEFUL)
    shop.put("dead-writes-west", "")
    shop.put("dead-database-west", "")
    run = shop.start(Mode.UNGRACEFUL)
    assert "may still take writes" in shop.question(run).text
    shop.answer(run, "skip", "the power is gone there")
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.LEFT_BEHIND
    assert "pg.fence on writes-west is failed" in found.reason
    assert steps(shop, run) == {
        "freeze": StepState.SKIPPED,
        "promote": StepState.DONE,
        "rejoin": StepState.ACCEPTED,
    }
    assert "west has no standby" in shop.progress(run).step("rejoin").words


def test_graceful_a_failing_rejoin_is_a_question(shop: Shop) -> None:
    shop.write(UNGRACEFUL)
    shop.put("dead-database-west", "")
    run = shop.start()
    assert shop.question(run).text == "rejoin failed: database-west does not answer"
    shop.answer(run, "abort")
    shop.end(run)


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


GUARDED = """\
  - id: shift
    edge.weight: {to: $to, away_from: $from, ramp: [50, 100], hold: 1s}
    undo: previous
    stop_if: {journey_failing: {region: $to, journeys: [log-in]}}
"""


def test_a_ramp_goes_back_when_journeys_fail_and_forward_when_they_pass_again(shop: Shop) -> None:
    shop.put("edge", "even")
    shop.put("journeys", "fail")
    shop.write(GUARDED)
    run = shop.start()
    assert "shift failed: stopped: journeys pass: log-in in east: fail" in shop.question(run).text
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


def test_a_retry_owes_what_the_first_attempt_did(shop: Shop) -> None:
    """That has acted in part: what is before the second is not as it was."""
    shop.put("writes-west", "free")
    shop.write(FAILOVER)
    shop.put("half-writes-west", "")
    shop.put("broken-database-east", "")
    run = shop.start()
    assert shop.question(run).text == "freeze failed: writes-west was changed in part"
    (shop.world / "half-writes-west").unlink()
    shop.answer(run, "retry")
    until(lambda: "promote failed" in shop.question(run).text, 20, "the next question")
    shop.answer(run, "abort", "enough")
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.STOPPED, found
    assert shop.value("writes-west") == "free"


def test_what_nothing_takes_back_is_left_behind_by_an_abort(shop: Shop) -> None:
    shop.write(
        "  - {id: cache, redis.promote: {region: $to}}\n"
        "  - {id: shift, edge.weight: {to: $to, away_from: $from}, undo: previous}\n"
    )
    shop.put("broken-edge", "")
    run = shop.start()
    shop.answer(run, "abort", "enough")
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.LEFT_BEHIND
    assert "not taken back: cache/1" in found.reason


def test_an_abort_that_dies_while_it_takes_back_goes_on_taking_back(shop: Shop) -> None:
    shop.put("drain-west", "ready")
    shop.put("edge", "even")
    shop.write(DRAIN)
    shop.put("broken-edge", "")
    run = shop.start()
    shop.question(run)
    (shop.world / "broken-edge").unlink()
    shop.crash_at("edge.ready:before")
    shop.answer(run, "abort", "enough")
    until(lambda: shop.view(run).phase is Phase.ORPHANED, 20, "an orphan")
    shop.resume(run)
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.STOPPED
    assert shop.value("drain-west") == "ready"
    assert not any(line.startswith("redis.promote") for line in shop.effects)


def test_two_questions_of_a_group_are_put_one_after_the_other(shop: Shop) -> None:
    shop.write(
        "  - {id: one, pg.promote: {region: $to}, parallel: g}\n"
        "  - {id: two, redis.promote: {region: $to}, parallel: g}\n"
    )
    for target in ("broken-database-east", "broken-cache-east"):
        shop.put(target, "")
    run = shop.start()
    first = shop.question(run)
    for target in ("broken-database-east", "broken-cache-east"):
        (shop.world / target).unlink()
    shop.answer(run, "retry")
    until(
        lambda: (now := shop.view(run).state.question) is not None and now.seq != first.seq, 20, "the other"
    )
    shop.answer(run, "retry")
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.PASS
    assert len(shop.effects) == 2


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


def test_a_resumed_run_asks_when_somebody_changed_what_it_had_done(shop: Shop) -> None:
    shop.write(FAILOVER)
    shop.put("broken-database-east", "")
    run = shop.start()
    shop.question(run)
    shop.kill(run, signal.SIGTERM)
    shop.end(run)
    shop.put("writes-west", "free")
    shop.resume(run)
    assert "freeze still holds: no, writes-west is 'free'" in shop.question(run).text
    shop.answer(run, "abort")
    assert shop.end(run).state.verdict is not None
    assert shop.effects == DONE_ONCE[:1]
