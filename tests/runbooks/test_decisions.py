"""Runbooks that ask: what people decide, hand in and leave out."""

from __future__ import annotations

import signal

import pytest

from keelwatch.runs import Phase
from keelwatch.workspace import ExitCode, Refused
from runbooks.conduct.progress import StepState
from runbooks.stages import Mode
from tests.runbooks.conftest import Shop
from tests.runbooks.texts import DONE_ONCE, DRAIN, FAILOVER, HUMAN, steps
from tests.runs.conftest import until


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
