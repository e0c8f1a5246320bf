"""Approvals that do not count: too late, or of another plan."""

from __future__ import annotations

import signal
import time

from keelwatch.runs import Phase
from keelwatch.workspace import ExitCode
from tests.runbooks.conftest import Shop
from tests.runbooks.test_conduct import APPROVED, DONE_ONCE, say_yes
from tests.runs.conftest import until


def waiting(shop: Shop, expires: str) -> str:
    """A run that has asked for approval."""
    shop.write(APPROVED.replace("EXPIRES", expires))
    run = shop.start()
    until(lambda: shop.progress(run).approval is not None, what="a wish for approval")
    return run


def asleep(shop: Shop, run: str) -> None:
    """Nobody looks while it is."""
    shop.kill(run, signal.SIGTERM)
    assert shop.end(run).phase is Phase.PAUSED


def expired(shop: Shop, run: str) -> None:
    wanted = shop.progress(run).approval
    assert wanted is not None
    until(lambda: time.time() > wanted.until, what="the end of its time")


def test_a_yes_that_comes_too_late_does_not_count_though_nobody_had_looked_before(shop: Shop) -> None:
    run = waiting(shop, "2s")
    asleep(shop, run)
    expired(shop, run)
    say_yes(shop, run)
    shop.resume(run)
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.STOPPED
    assert "not approved in time: approved by nobody, 1 more needed; nothing had been done" in found.reason
    assert shop.effects == []


def test_a_yes_in_time_counts_though_it_is_looked_at_later(shop: Shop) -> None:
    run = waiting(shop, "2s")
    asleep(shop, run)
    say_yes(shop, run)
    expired(shop, run)
    shop.resume(run)
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.PASS
    assert shop.effects == DONE_ONCE


def test_a_yes_in_time_to_another_plan_does_not_count(shop: Shop) -> None:
    run = waiting(shop, "2s")
    say_yes(shop, run, plan_sha="of-another-plan")
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.STOPPED
    assert "approved by nobody, 1 more needed (second: that was for another plan)" in found.reason
    assert shop.effects == []
