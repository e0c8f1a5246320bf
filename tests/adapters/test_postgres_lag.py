"""How far a real standby is behind its primary, and when nobody can tell."""

from __future__ import annotations

import time

import pytest

from keelwatch.adapters.postgres import LagVerb, PromoteVerb, lag_of
from keelwatch.adapters.postgres.standing import whole
from keelwatch.workspace import Answer, Refused
from tests.adapters.estate import attempt
from tests.adapters.postgres_pair import Pair, database_of, insert
from tests.adapters.processes import frozen, until

LAG, PROMOTE = LagVerb(), PromoteVerb()


def test_a_standby_that_has_everything_is_not_behind_however_long_nothing_happened(pair: Pair) -> None:
    insert(pair, "west", 1)
    pair.caught_up()
    time.sleep(1.2)  # an idle primary makes nobody late

    args = pair.estate.args(region="east", max_s=1, max_bytes=0)
    planned = LAG.plan(args)

    assert LAG.check(args).answer is Answer.YES
    assert planned.before["lag_s"] == 0
    assert "a promote now loses nothing that is written so far" in planned.summary
    assert LAG.do(args, attempt(planned))["receiver"] == "streaming"


def test_what_has_not_reached_the_standby_is_counted_in_bytes_time_and_transactions(pair: Pair) -> None:
    insert(pair, "west", 1)
    pair.caught_up()
    receiver = whole(pair.ask("east", "select pid from pg_stat_wal_receiver"))
    with frozen(receiver):
        insert(pair, "west", *range(2, 12))
        time.sleep(0.6)
        lag = lag_of(database_of(pair), "east")
        found = LAG.check(pair.estate.args(region="east", max_s=0.5))
        planned = PROMOTE.plan(pair.estate.args(region="east", mode="ungraceful"))

    assert lag.lost_bytes
    assert lag.transactions == 10
    assert lag.seconds is not None
    assert lag.seconds >= 0.6
    assert found.answer is Answer.NO
    assert "a promote now loses up to 10 transactions" in found.evidence
    assert "loses up to 10 transactions" in planned.summary
    assert "west still takes writes: two primaries until it is fenced" in planned.summary


def test_replay_that_is_paused_is_behind_and_would_lose_nothing(pair: Pair) -> None:
    pair.run("east", "select pg_wal_replay_pause()")
    insert(pair, "west", 1, 2, 3)
    at = pair.ask("west", "select pg_current_wal_lsn()::text")
    until(lambda: pair.ask("east", f"select pg_last_wal_receive_lsn() >= '{at}'") is True, "the WAL")

    lag = lag_of(database_of(pair), "east")

    assert (lag.lost_bytes, lag.transactions) == (0, 3)
    assert lag.behind_bytes
    assert "loses nothing" in lag.words


def test_without_a_primary_the_lag_is_unknown_and_says_when_it_was_last_heard_of(pair: Pair) -> None:
    insert(pair, "west", 1)
    pair.caught_up()
    pair.crash("west")

    found = LAG.check(pair.estate.args(region="east", max_s=5))

    assert found.answer is Answer.UNKNOWN
    assert "no primary answers" in found.evidence
    assert LAG.check(pair.estate.args(region="west")).answer is Answer.UNKNOWN


def test_a_standby_that_nothing_reaches_any_more_is_behind(pair: Pair) -> None:
    pair.run("east", "alter system set primary_conninfo = ''")
    pair.run("east", "select pg_reload_conf()")
    until(lambda: not pair.streams("east"), "the receiver to stop")

    found = LAG.check(pair.estate.args(region="east"))

    assert found.answer is Answer.NO
    assert "receiver not running" in found.evidence
    with pytest.raises(Refused, match="receiver not running"):
        pair.estate.do(LAG, region="east")


def test_the_lag_of_a_primary_cannot_be_meant(pair: Pair) -> None:
    with pytest.raises(Refused, match="it lags behind nobody"):
        LAG.plan(pair.estate.args(region="west"))
    assert LAG.check(pair.estate.args(region="west")).answer is Answer.NO
