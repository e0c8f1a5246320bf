"""Approvals and their time: what counts is when a yes was given, and to which plan."""

from __future__ import annotations

import signal
import time

import pytest

from keelwatch.runs import Phase
from keelwatch.workspace import ExitCode, Refused
from tests.runbooks.conftest import Shop
from tests.runbooks.texts import APPROVED, DONE_ONCE, say_yes
from tests.runs.conftest import until


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


def waiting(shop: Shop, expires: str) -> str:
    """A run that has asked for approval."""
    shop.write(APPROVED.replace("EXPIRES", expires))
    run = shop.start()
    until(lambda: shop.progress(run).approval is not None, what="a wish for approval")
    return run


def dead(shop: Shop, run: str) -> None:
    """Nobody looks while it is."""
    shop.kill(run)
    until(lambda: shop.view(run).pid is None, what="its death")


def taken_up(shop: Shop, run: str) -> None:
    until(lambda: shop.view(run).phase is Phase.ORPHANED, what="an orphan")
    shop.resume(run)


def expired(shop: Shop, run: str) -> None:
    wanted = shop.progress(run).approval
    assert wanted is not None
    until(lambda: time.time() > wanted.until, what="the end of its time")


def test_a_yes_that_comes_too_late_does_not_count_though_nobody_had_looked_before(shop: Shop) -> None:
    run = waiting(shop, "2s")
    dead(shop, run)
    expired(shop, run)
    say_yes(shop, run)
    taken_up(shop, run)
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.STOPPED
    assert "not approved in time: approved by nobody, 1 more needed; nothing had been done" in found.reason
    assert shop.effects == []


def test_a_yes_in_time_counts_though_it_is_looked_at_later(shop: Shop) -> None:
    run = waiting(shop, "3s")
    dead(shop, run)
    say_yes(shop, run)
    expired(shop, run)
    taken_up(shop, run)
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.PASS
    assert shop.effects == DONE_ONCE


def test_a_yes_in_time_to_another_plan_does_not_count(shop: Shop) -> None:
    run = waiting(shop, "3s")
    say_yes(shop, run, plan_sha="of-another-plan")
    found = shop.end(run).state.verdict
    assert found is not None
    assert found.exit_code is ExitCode.STOPPED
    assert "approved by nobody, 1 more needed (second: that was for another plan)" in found.reason
    assert shop.effects == []
