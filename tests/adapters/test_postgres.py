"""The database's verbs on a real pair: rejoining, and what cannot be asked or meant."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.postgres import FenceVerb, LagVerb, PromoteVerb, RejoinVerb, UnfenceVerb
from keelwatch.adapters.postgres.session import session
from keelwatch.adapters.postgres.standing import whole
from keelwatch.workspace import Answer, Refused, SourceError, UsageError
from tests.adapters.estate import written
from tests.adapters.postgres_pair import Pair, database_of
from tests.adapters.processes import children, frozen, until

LAG, FENCE, UNFENCE, PROMOTE, REJOIN = LagVerb(), FenceVerb(), UnfenceVerb(), PromoteVerb(), RejoinVerb()


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
