"""The database's verbs on a real primary and standby: lag, fence, promotion, and what comes too late."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import LiteralString

import psycopg
import pytest

from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.postgres import FenceVerb, LagVerb, PromoteVerb, RejoinVerb, UnfenceVerb, lag_of
from keelwatch.adapters.postgres.promote import _request, _wish
from keelwatch.adapters.postgres.session import Row, Session, session
from keelwatch.adapters.postgres.standing import standing_of, whole
from keelwatch.runs import Attempt
from keelwatch.workspace import Answer, KeelwatchError, Refused, SourceError, UnknownResult, UsageError
from keelwatch.workspace.estate import Database, find_estate
from tests.adapters.estate import attempt, written
from tests.adapters.postgres_pair import Pair
from tests.adapters.processes import children, frozen, until

LAG, FENCE, UNFENCE, PROMOTE, REJOIN = LagVerb(), FenceVerb(), UnfenceVerb(), PromoteVerb(), RejoinVerb()


def database_of(pair: Pair) -> Database:
    return find_estate(pair.estate.file, "here").the_database()


def insert(pair: Pair, region: str, *numbers: int) -> None:
    for number in numbers:
        pair.run(region, f"insert into kept values ({number})")


def kept(pair: Pair, region: str) -> int:
    return whole(pair.ask(region, "select count(*) from kept"))


# --- lag


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


# --- fence


def test_a_fence_ends_sessions_refuses_writes_and_is_taken_back(pair: Pair) -> None:
    args = pair.estate.args(region="west")
    assert FENCE.check(args).answer is Answer.NO
    with pair.connect("west") as writer, pair.connect("west") as idle:
        writer.execute("begin")
        writer.execute("insert into kept values (1)")
        planned = FENCE.plan(args)
        assert "2 sessions are ended" in planned.summary

        evidence = FENCE.do(args, attempt(planned))

        assert evidence["ended_sessions"] == 2
        for connection in (writer, idle):
            with pytest.raises(psycopg.OperationalError):
                connection.execute("select 1")
    assert FENCE.check(args).answer is Answer.YES
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        insert(pair, "west", 2)
    assert kept(pair, "west") == 0  # what was not committed is gone

    undo = FENCE.undo(args, planned.before)
    assert undo is not None
    assert undo.verb == UNFENCE.name
    assert UNFENCE.check(undo.args).answer is Answer.NO
    UNFENCE.do(undo.args, attempt(UNFENCE.plan(undo.args)))
    assert UNFENCE.check(undo.args).answer is Answer.YES
    insert(pair, "west", 2)


def test_a_fence_that_stood_before_is_not_taken_back(pair: Pair) -> None:
    args = pair.estate.args(region="west")
    pair.estate.do(FENCE, region="west")

    planned = FENCE.plan(args)
    FENCE.do(args, attempt(planned))  # asserting it again does no harm

    assert FENCE.undo(args, planned.before) is None


def test_a_role_with_a_setting_of_its_own_would_slip_through_so_the_fence_is_refused(pair: Pair) -> None:
    args = pair.estate.args(region="west")
    pair.run("west", "create role app login")
    pair.estate.do(FENCE, region="west")
    with pair.connect("west") as connection:
        connection.execute("set default_transaction_read_only = off")
        connection.execute("alter role app set default_transaction_read_only = off")

    assert FENCE.check(args).answer is Answer.NO
    assert "app may write" in FENCE.check(args).evidence
    with pytest.raises(Refused, match="would not hold: app"):
        FENCE.plan(args)


def test_a_transaction_from_before_the_fence_is_found(pair: Pair) -> None:
    args = pair.estate.args(region="west")
    with pair.connect("west") as old:
        old.execute("begin")
        old.execute("insert into kept values (1)")
        pair.run("west", "alter system set default_transaction_read_only = on")  # half a fence
        pair.run("west", "select pg_reload_conf()")
        until(lambda: standing_of(database_of(pair), "west").is_fenced, "the reload")

        found = FENCE.check(args)

        assert found.answer is Answer.NO
        assert "1 transactions from before the fence are still open" in found.evidence


def test_a_standby_needs_no_fence(pair: Pair) -> None:
    with pytest.raises(Refused, match="it takes no writes"):
        FENCE.plan(pair.estate.args(region="east"))
    assert FENCE.check(pair.estate.args(region="east")).answer is Answer.YES


def test_nobody_is_unfenced_beside_a_promoted_one(pair: Pair) -> None:
    args = pair.estate.args(region="west")
    planned = FENCE.plan(args)
    FENCE.do(args, attempt(planned))
    pair.estate.do(PROMOTE, region="east")
    undo = FENCE.undo(args, planned.before)
    assert undo is not None

    with pytest.raises(Refused, match="two would take writes") as refused:
        UNFENCE.do(undo.args, attempt(planned))

    assert "pg.rejoin" in refused.value.hint
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        insert(pair, "west", 1)


def test_nobody_is_unfenced_while_the_other_may_have_been_promoted(pair: Pair) -> None:
    pair.estate.do(FENCE, region="west")
    pair.crash("east")

    with pytest.raises(Refused, match="nobody can tell whether east was promoted"):
        pair.estate.do(UNFENCE, region="west")
    assert pair.estate.do(UNFENCE, region="west", even_if_unknown=True)["read_only"] is False
    insert(pair, "west", 1)


# --- promote


def test_a_graceful_promotion_loses_nothing_that_was_acknowledged(pair: Pair) -> None:
    args = pair.estate.args(region="east")
    acknowledged: list[int] = []
    stopped = threading.Event()

    def write() -> None:
        number = 0
        while not stopped.is_set():
            number += 1
            try:
                insert(pair, "west", number)
            except psycopg.Error:
                continue
            acknowledged.append(number)

    writer = threading.Thread(target=write)
    writer.start()
    until(lambda: len(acknowledged) > 20, "some writes")
    pair.estate.do(FENCE, region="west")
    planned = PROMOTE.plan(args)
    evidence = PROMOTE.do(args, attempt(planned))
    stopped.set()
    writer.join()

    assert (evidence["timeline_before"], evidence["timeline"]) == (1, 2)
    assert PROMOTE.check(args).answer is Answer.YES
    assert kept(pair, "east") == len(acknowledged)
    insert(pair, "east", -1)
    assert PROMOTE.undo(args, planned.before) is None


def test_graceful_waits_for_replay_and_promotes_nothing_when_it_does_not_come(pair: Pair) -> None:
    insert(pair, "west", 1)
    receiver = whole(pair.ask("east", "select pid from pg_stat_wal_receiver"))
    pair.estate.do(FENCE, region="west")
    with (
        frozen(receiver),
        pytest.raises(SourceError, match=r"has not replayed the last .* nothing was promoted"),
    ):
        pair.estate.do(PROMOTE, region="east", wait_s=0.5)
    assert standing_of(database_of(pair), "east").is_standby

    assert pair.estate.do(PROMOTE, 2, region="east")["timeline"] == 2


def test_graceful_is_refused_while_the_old_one_takes_writes_or_is_gone(pair: Pair) -> None:
    with pytest.raises(Refused, match="still takes writes, which east would lack") as refused:
        pair.estate.do(PROMOTE, region="east")
    assert "pg.fence" in refused.value.hint

    pair.crash("west")
    with pytest.raises(Refused, match="no primary answers"):
        pair.estate.do(PROMOTE, region="east")
    evidence = pair.estate.do(PROMOTE, region="east", mode="ungraceful")
    assert evidence["timeline"] == 2
    found = PROMOTE.check(pair.estate.args(region="east"))
    assert found.answer is Answer.YES
    assert "cannot log in to PostgreSQL of west" in found.evidence


def test_every_write_up_to_the_receive_position_survives_the_primarys_death(pair: Pair) -> None:
    with pair.connect("west") as connection:
        connection.execute("set synchronous_commit = local")
        positions = {}
        for number in range(200):
            connection.execute("insert into kept values (%s)", [number])
            row = connection.execute("select pg_current_wal_lsn() - '0/0'::pg_lsn").fetchone()
            assert row is not None
            positions[number] = int(row[0])
    pair.crash("west")
    evidence = pair.estate.do(PROMOTE, region="east", mode="ungraceful")

    high, _, low = str(evidence["received"]).partition("/")
    received = (int(high, 16) << 32) + int(low, 16)
    with pair.connect("east") as connection:
        there = {row[0] for row in connection.execute("select n from kept").fetchall()}
    assert {number for number, at in positions.items() if at <= received} <= there


def test_an_attempt_from_before_another_promotion_does_nothing(pair: Pair) -> None:
    late = pair.estate.args(region="west", mode="ungraceful")
    pair.estate.do(FENCE, region="west")
    pair.estate.do(PROMOTE, region="east")
    pair.follow("west", "east")  # the world went on: west is a standby again, on timeline 2

    with pytest.raises(Refused, match="this was planned on timeline 1"):
        PROMOTE.do(late, Attempt("dead-run/promote/key", 1, 1, {"timeline": 1}))

    assert standing_of(database_of(pair), "west").is_standby
    assert PROMOTE.check(pair.estate.args(region="east")).answer is Answer.YES


def test_a_request_that_the_server_gets_to_late_finds_its_time_over(pair: Pair) -> None:
    wish = _wish(pair.estate.args(region="east", mode="ungraceful"))
    with session(wish.database, "east", Deadline.within(3)) as asked:
        late = Late(asked, whole(asked.row("select pg_backend_pid()")[0]))
        try:
            with pytest.raises(UnknownResult, match="it may have been promoted"):
                _request(late, wish, 1)
        finally:
            os.kill(late.backend, signal.SIGCONT)

    until(lambda: not Path(f"/proc/{late.backend}").exists(), "the end of the late request")
    assert standing_of(database_of(pair), "east").is_standby


class Late(Session):
    """A session whose server stops just before it gets to the promotion, and goes on when we are gone."""

    def __init__(self, asked: Session, backend: int) -> None:
        super().__init__(asked._connection, asked._where, asked.deadline)
        self.backend = backend

    def row(self, query: LiteralString, parameters: Sequence[object] = ()) -> Row:
        if "pg_promote" in query:
            os.kill(self.backend, signal.SIGSTOP)
        return super().row(query, parameters)


def test_in_the_server_a_stale_timeline_or_a_late_hour_promotes_nothing(pair: Pair) -> None:
    from keelwatch.adapters.postgres.promote import PROMOTE as STATEMENT

    with session(database_of(pair), "east", Deadline.within(10)) as asked:
        assert asked.row(STATEMENT, [2, time.time() + 60]) == (None,)
        assert asked.row(STATEMENT, [1, time.time() - 1]) == (None,)
    time.sleep(0.5)
    assert standing_of(database_of(pair), "east").is_standby


def test_two_that_promote_at_once_raise_the_timeline_once(pair: Pair) -> None:
    args = pair.estate.args(region="east", mode="ungraceful")
    planned = attempt(PROMOTE.plan(args))
    outcomes: list[object] = []

    def promote() -> None:
        try:
            outcomes.append(PROMOTE.do(args, planned)["timeline"])
        except KeelwatchError as error:
            outcomes.append(type(error))

    both = [threading.Thread(target=promote) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join()

    assert standing_of(database_of(pair), "east").timeline == 2
    assert set(outcomes) <= {2, Refused}
    assert 2 in outcomes


def test_a_server_that_was_fenced_in_its_former_life_takes_writes_when_promoted_again(pair: Pair) -> None:
    pair.estate.do(FENCE, region="west")
    pair.estate.do(PROMOTE, region="east")
    pair.follow("west", "east")
    pair.run(
        "west", "alter system set default_transaction_read_only = on"
    )  # as a rejoin without copy leaves it
    pair.run("west", "select pg_reload_conf()")
    until(lambda: standing_of(database_of(pair), "west").is_fenced, "the reload")

    pair.estate.do(FENCE, region="east")
    assert pair.estate.do(PROMOTE, region="west")["timeline"] == 3

    insert(pair, "west", 1)
    assert kept(pair, "west") == 1


def test_after_a_partition_the_check_names_both_and_says_which_rules(pair: Pair) -> None:
    pair.estate.do(PROMOTE, region="east", mode="ungraceful")  # west was never fenced

    east = PROMOTE.check(pair.estate.args(region="east"))
    west = PROMOTE.check(pair.estate.args(region="west"))

    assert (east.answer, west.answer) == (Answer.YES, Answer.NO)
    assert "west is primary on timeline 1" in east.evidence
    assert FENCE.check(pair.estate.args(region="west")).answer is Answer.NO


def test_a_timeline_that_has_not_risen_is_no_promotion(pair: Pair) -> None:
    assert PROMOTE.check(pair.estate.args(region="east")).answer is Answer.NO
    assert PROMOTE.check(pair.estate.args(region="west", above_timeline=1)).answer is Answer.NO
    assert PROMOTE.check(pair.estate.args(region="west")).answer is Answer.YES
    with pytest.raises(Refused, match="promoted already"):
        PROMOTE.plan(pair.estate.args(region="west"))
    with pytest.raises(Refused, match="planned on timeline 7"):
        PROMOTE.plan(pair.estate.args(region="east", above_timeline=7))


# --- rejoin


def test_rejoining_is_refused_where_nobody_has_hands_and_checked_when_it_was_done_by_hand(pair: Pair) -> None:
    args = pair.estate.args(region="west")
    pair.estate.do(FENCE, region="west")
    pair.estate.do(PROMOTE, region="east")

    with pytest.raises(Refused, match="needs its own host") as refused:
        REJOIN.plan(args)
    assert (
        f"pg_rewind -D DATA --source-server='host=127.0.0.1 port={pair.ports['east']}" in refused.value.hint
    )
    assert REJOIN.check(args).answer is Answer.NO

    pair.follow("west", "east")

    until(lambda: REJOIN.check(args).answer is Answer.YES, "the check")
    assert LAG.check(args).answer is Answer.YES


def test_nobody_rejoins_without_a_primary_to_follow(pair: Pair) -> None:
    with pytest.raises(Refused, match="it has nobody to follow"):
        REJOIN.plan(pair.estate.args(region="west"))
    pair.crash("west")
    with pytest.raises(Refused, match="no primary answers that west could follow"):
        REJOIN.plan(pair.estate.args(region="west"))


# --- what cannot be asked


@pytest.mark.parametrize("verb", [LAG, FENCE, UNFENCE, PROMOTE, REJOIN], ids=lambda verb: verb.name)
def test_a_frozen_server_is_unknown_and_holds_nobody_up(
    pair: Pair, verb: LagVerb | FenceVerb | UnfenceVerb | PromoteVerb | RejoinVerb
) -> None:
    pid = pair.processes["east"].pid
    with frozen(pid, *children(pid)):
        began = time.monotonic()
        found = verb.check(pair.estate.args(region="east"))
        assert time.monotonic() - began < 6

    assert found.answer is Answer.UNKNOWN
    assert "PostgreSQL of east" in found.evidence


def test_a_session_that_freezes_in_the_middle_ends_at_its_deadline(pair: Pair) -> None:
    with session(database_of(pair), "west", Deadline.within(2)) as asked:
        backend = whole(asked.row("select pg_backend_pid()")[0])
        with frozen(backend):
            began = time.monotonic()
            with pytest.raises(SourceError, match="does not answer"):
                asked.row("select 1")
            assert time.monotonic() - began < 4


def test_errors_name_the_server_and_what_to_do_and_no_password(pair: Pair) -> None:
    (pair.folder / "secret").write_text("another-password")
    with pytest.raises(SourceError, match="cannot log in to PostgreSQL of west") as failed:
        FENCE.plan(pair.estate.args(region="west"))
    assert "database.user" in failed.value.hint
    assert "another-password" not in failed.value.message


def test_tls_is_demanded_where_a_ca_is_named(pair: Pair) -> None:
    regions = {"west": {"host": "127.0.0.1", "port": pair.ports["west"]}}
    database = {"user": "postgres", "password": "file:secret", "ca": "ca.pem", "regions": regions}
    (pair.folder / "tls").mkdir()
    (pair.folder / "tls" / "secret").write_text("made-up-superuser")
    estate = written(pair.folder / "tls", database=database)

    found = UNFENCE.check(estate.args(region="west"))

    assert found.answer is Answer.UNKNOWN
    assert "certificate" in found.evidence or "SSL" in found.evidence


@pytest.mark.parametrize(
    "more",
    [
        {},
        {"region": "nord"},
        {"region": "east", "mode": "brave"},
        {"region": "east", "wait_s": 11},
        {"region": "east", "wait_s": "5s"},
        {"region": "east", "timeline": 1},
    ],
)
def test_arguments_that_cannot_be_meant_are_refused(tmp_path: Path, more: dict[str, object]) -> None:
    regions = {"east": {"host": "127.0.0.1", "port": 9}}
    database = {"user": "postgres", "password": "env:NONE", "regions": regions}
    with pytest.raises(UsageError):
        PROMOTE.plan(written(tmp_path, database=database).args(**more))
