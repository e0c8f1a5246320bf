"""Runbooks that are ended: taken back in reverse, and what nothing takes back is said."""

from __future__ import annotations

from keelwatch.runs import Phase
from keelwatch.workspace import ExitCode
from tests.runbooks.conftest import Shop
from tests.runbooks.texts import DRAIN, FAILOVER
from tests.runs.conftest import until


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
