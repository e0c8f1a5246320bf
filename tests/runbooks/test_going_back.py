"""`back`: where a step fails, what was done last is taken back, and the run goes on from there."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from keelwatch.runs import Phase
from keelwatch.workspace import ExitCode
from runbooks.conduct.progress import StepState
from tests.runbooks.conftest import Shop
from tests.runs.conftest import until

DRAIN = """\
  - id: drain
    edge.drain: {region: $from}
    undo: previous
  - id: shift
    edge.weight: {to: $to, away_from: $from}
    undo: previous
"""
NO_WAY_BACK = """\
  - id: promote
    pg.promote: {region: $to}
    undo: none
  - id: shift
    edge.weight: {to: $to, away_from: $from}
"""


@pytest.fixture
def shop_that_went_back(shop: Shop) -> tuple[Shop, str]:
    """`shift` failed, and `drain` was taken back."""
    shop.put("drain-west", "ready")
    shop.put("edge", "even")
    shop.put("broken-edge", "")
    shop.write(DRAIN)
    run = shop.start()
    question = shop.question(run)
    assert question.text == "shift failed: edge is broken (back: take back drain, which was done before)"
    assert question.choices == ("retry", "skip", "back", "abort")
    shop.answer(run, "back", "the balancer first")
    until(lambda: shop.question(run).seq != question.seq, 20, "the next question")
    (shop.world / "broken-edge").unlink()
    return shop, run


def test_the_run_goes_on_from_the_step_that_was_taken_back(shop_that_went_back: tuple[Shop, str]) -> None:
    shop, run = shop_that_went_back
    assert shop.value("drain-west") == "ready"
    question = shop.question(run)
    assert question.text.startswith("drain was taken back: taken back, by ")
    assert question.text.endswith(": the balancer first")
    assert question.choices == ("retry", "skip", "abort")
    states = {name: one.state for name, one in shop.progress(run).steps.items()}
    assert states == {"drain": StepState.TAKEN_BACK, "shift": StepState.WAITING}
    shop.answer(run, "retry")
    verdict = shop.end(run).state.verdict
    assert verdict is not None
    assert verdict.exit_code is ExitCode.PASS
    assert shop.effects == [
        "edge.drain drain-west drained",
        "edge.ready drain-west ready",
        "edge.drain drain-west drained",
        "edge.weight edge east=100 west=0",
    ]


def test_a_run_that_dies_there_asks_the_same_again(shop_that_went_back: tuple[Shop, str]) -> None:
    shop, run = shop_that_went_back
    before = shop.question(run)
    shop.kill(run)
    until(lambda: shop.view(run).phase is Phase.ORPHANED, 20, "an orphan")
    shop.resume(run)
    until(lambda: shop.question(run).seq != before.seq, 20, "the question anew")
    assert shop.question(run).text == before.text
    shop.answer(run, "abort", "enough")
    verdict = shop.end(run).state.verdict
    assert verdict is not None
    assert verdict.exit_code is ExitCode.STOPPED
    assert shop.value("drain-west") == "ready"


def test_nothing_past_a_point_of_no_return_is_offered_back(shop: Shop) -> None:
    shop.put("broken-edge", "")
    shop.write(NO_WAY_BACK)
    assert shop.question(shop.start()).choices == ("retry", "skip", "abort")


def test_what_cannot_be_taken_back_itself_keeps_the_run_where_it_is(shop: Shop) -> None:
    """In reverse order or not at all."""
    shop.put("broken-edge", "")
    shop.write(DRAIN)
    run = shop.start()
    question = shop.question(run)
    shop.answer(run, "back")
    until(lambda: shop.question(run).seq != question.seq, 20, "the next question")
    assert shop.question(run).text.startswith("shift: not taken back: edge is broken")
    assert shop.value("drain-west") == "drained"


def test_a_note_stands_beside_the_step_that_the_run_is_at(shop: Shop) -> None:
    shop.put("broken-edge", "")
    shop.write(DRAIN)
    run = shop.start()
    shop.question(run)
    words = ("--workspace", str(shop.folder), "runbook", "note", run, "the balancer's card is out", "--json")
    noted = subprocess.run(
        [sys.executable, "-m", "console.main", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert noted.returncode == 0, noted.stderr
    assert json.loads(noted.stdout)["step"] == "shift"
    (remark,) = shop.progress(run).remarks["shift"]
    assert remark.words == "the balancer's card is out"
    assert shop.question(run).choices[0] == "retry"  # it goes on asking
