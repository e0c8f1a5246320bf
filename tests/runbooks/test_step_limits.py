"""What ends a step, and what does not: its time, each limit of its guard, a kernel that fails."""

from __future__ import annotations

import signal

from keelwatch.runs import Phase
from keelwatch.workspace import ExitCode
from runbooks.conduct.progress import StepState
from runbooks.stages import Mode
from tests.runbooks.conftest import Shop
from tests.runs.conftest import until


def test_a_stage_does_not_begin_after_the_time_of_its_step(shop: Shop) -> None:
    shop.write(
        "  - id: shift\n    edge.weight: {to: $to, away_from: $from, ramp: [50, 100]}\n"
        "    undo: previous\n    within: 1s\n"
    )
    shop.put("slow-edge", "1.5")
    run = shop.start()
    assert shop.question(run).text.startswith("shift failed: not done within 1 s; shift/2 was not begun")
    assert shop.effects == ["edge.weight edge east=50 west=50"]
    shop.answer(run, "retry")  # a person gives it its time anew
    verdict = shop.end(run).state.verdict
    assert verdict is not None
    assert verdict.exit_code is ExitCode.PASS
    assert shop.effects == ["edge.weight edge east=50 west=50", "edge.weight edge east=100 west=0"]


def test_a_journey_that_hangs_keeps_no_other_limit_from_tripping(shop: Shop) -> None:
    shop.put("edge", "even")
    shop.put("journeys", "hang")
    shop.write(
        "  - id: shift\n    edge.weight: {to: $to, away_from: $from}\n    undo: previous\n    within: 1m\n"
        "    stop_if: {journey_failing: {region: $to}, elapsed: 1s}\n"
    )
    run = shop.start()
    assert "(must hold: time)" in shop.question(run).text
    assert shop.progress(run).step("shift").trips.endswith("taken back")
    assert shop.value("edge") == "even"


def test_a_failing_kernel_is_no_reason_to_bear_a_step(shop: Shop) -> None:
    """The runbook bears a target that does not answer; that we cannot record is none."""
    shop.put("unrecorded-writes-west", "")
    shop.write(
        "  - id: freeze\n    pg.fence: {region: $from}\n    undo: previous\n"
        "    ungraceful: {accept: it may be down}\n"
    )
    run = shop.start(mode=Mode.UNGRACEFUL)
    found = shop.end(run)
    assert found.state.verdict is None
    assert found.state.paused == "the ledger is full"
    assert shop.progress(run).step("freeze").state is StepState.BEGUN
    assert shop.effects == []


SHIFT_AND_TELL = """\
  - id: shift
    edge.weight: {to: $to, away_from: $from}
    undo: none
  - id: tell
    human: Tell support
"""


def test_what_a_reload_loses_while_a_run_is_paused_is_set_again_and_blamed_on_nobody(shop: Shop) -> None:
    shop.write(SHIFT_AND_TELL)
    run = shop.start()
    before = shop.question(run)
    shop.kill(run, signal.SIGTERM)
    until(lambda: shop.view(run).phase is Phase.PAUSED and shop.view(run).pid is None, 20, "a pause")
    shop.put("edge", "even")
    shop.resume(run)
    until(lambda: shop.question(run).seq != before.seq, 20, "the next question")
    assert shop.question(run).text == before.text
    assert shop.value("edge") == "east=100 west=0"


def test_what_a_reload_loses_while_a_person_thinks_is_set_again(shop: Shop) -> None:
    shop.write(SHIFT_AND_TELL)
    run = shop.start()
    question = shop.question(run)
    shop.put("edge", "even")
    until(lambda: shop.value("edge") == "east=100 west=0", 20, "the weights again")
    assert shop.question(run) == question
    shop.answer(run, "done")
    verdict = shop.end(run).state.verdict
    assert verdict is not None
    assert verdict.exit_code is ExitCode.PASS
