"""A promotion that was told and has not come yet: neither done nor not done, and never told twice."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.postgres import PromoteVerb
from keelwatch.adapters.postgres.promote import _request, _wish
from keelwatch.adapters.postgres.session import session
from keelwatch.ledger import FactKind, SqliteLedger
from keelwatch.runs import answer, resume, view
from keelwatch.workspace import Answer
from tests.adapters.postgres_pair import Pair
from tests.adapters.processes import children, frozen, until
from tests.adapters.test_verbs_in_runs import facts, kill, ledger, over, started

PROMOTE = PromoteVerb()

__all__ = ["ledger"]


@contextmanager
def replay_held(pair: Pair, region: str) -> Iterator[None]:
    """It answers, but what is told to it about its recovery waits."""
    below = children(pair.processes[region].pid)
    (startup,) = [pid for pid in below if b"startup" in _command(pid)]
    with frozen(startup):
        yield


def _command(pid: int) -> bytes:
    """Empty for a child that has just ended: a server starts some for a moment."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def tell(pair: Pair, region: str) -> None:
    """The request alone: whoever made it is gone before it is carried out."""
    wish = _wish(pair.estate.args(region=region, mode="ungraceful"))
    with session(wish.database, region, Deadline.within(3)) as asked:
        _request(asked, wish, 1)


def test_a_promotion_that_was_told_and_not_carried_out_yet_is_unknown(pair: Pair) -> None:
    args = pair.estate.args(region="east", mode="ungraceful")
    with replay_held(pair, "east"):
        assert PROMOTE.check(args).answer is Answer.NO
        tell(pair, "east")

        found = PROMOTE.check(args)

        assert found.answer is Answer.UNKNOWN
        assert found.evidence == "east was told to promote, and still replays"
    until(lambda: PROMOTE.check(args).answer is Answer.YES, "the promotion")


def test_what_one_was_told_is_not_another_ones_promotion(pair: Pair) -> None:
    """That is its own server's word alone."""
    with replay_held(pair, "east"):
        tell(pair, "east")
        assert PROMOTE.check(pair.estate.args(region="west", above_timeline=1)).answer is Answer.NO


@pytest.mark.deep
def test_a_run_that_dies_over_a_promotion_that_is_pending_asks_and_tells_it_once(
    pair: Pair, ledger: SqliteLedger
) -> None:
    args = pair.estate.args(region="east", mode="ungraceful", wait_s=0)
    with replay_held(pair, "east"):
        run = started(ledger, "runbook", "pg.promote", args)
        until(
            lambda: pair.ask("east", "select (pg_stat_file('promote', true)).size is not null") is True, "it"
        )
        kill(run, "process")
        until(lambda: over(run), "its end")
        resume(ledger, run)
        until(lambda: view(ledger, run).state.question is not None, "a question", 60)
        question = view(ledger, run).state.question
        assert question is not None
        assert "east was told to promote, and still replays" in question.text
        assert len(facts(ledger, run, FactKind.INTENT)) == 1
    until(lambda: PROMOTE.check(args).answer is Answer.YES, "the promotion")
    answer(ledger, run, "done")
    until(lambda: facts(ledger, run, FactKind.RESULT) == ["done"], "its result", 60)
    assert len(facts(ledger, run, FactKind.INTENT)) == 1
