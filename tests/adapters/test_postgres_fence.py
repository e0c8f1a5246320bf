"""A fence before a real primary: who is kept out, and when it may be taken back."""

from __future__ import annotations

import psycopg
import pytest

from keelwatch.adapters.postgres import FenceVerb, PromoteVerb, UnfenceVerb
from keelwatch.adapters.postgres.standing import standing_of
from keelwatch.workspace import Answer, Refused
from tests.adapters.estate import attempt
from tests.adapters.postgres_pair import Pair, database_of, insert, kept
from tests.adapters.processes import until

FENCE, UNFENCE, PROMOTE = FenceVerb(), UnfenceVerb(), PromoteVerb()


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
