"""Promoting a real standby, and what comes too late for it."""

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
from keelwatch.adapters.postgres import FenceVerb, PromoteVerb
from keelwatch.adapters.postgres.promote import _request, _wish
from keelwatch.adapters.postgres.session import Row, Session, session
from keelwatch.adapters.postgres.standing import standing_of, whole
from keelwatch.runs import Attempt
from keelwatch.workspace import Answer, KeelwatchError, Refused, SourceError, UnknownResult
from tests.adapters.estate import attempt
from tests.adapters.postgres_pair import Pair, database_of, insert, kept
from tests.adapters.processes import frozen, until

FENCE, PROMOTE = FenceVerb(), PromoteVerb()


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
