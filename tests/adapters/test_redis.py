"""The cache's verbs on a real primary and replica."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from keelwatch.adapters.redis import FollowVerb, PromoteVerb, RejoinVerb, promote
from keelwatch.runs import Attempt
from keelwatch.workspace import Answer, Refused, SourceError, UsageError
from tests.adapters.estate import attempt, written
from tests.adapters.processes import frozen, until
from tests.adapters.redis_pair import Caches, running_caches

PROMOTE, FOLLOW, REJOIN = PromoteVerb(), FollowVerb(), RejoinVerb()


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[Caches]:
    with running_caches(tmp_path / "caches") as running:
        yield running


def test_a_replica_in_sync_is_promoted_with_all_there_was_and_taken_back(caches: Caches) -> None:
    args = caches.estate.args(region="east")
    with caches.client("west") as west:
        for number in range(100):
            west.set(f"k{number}", number)
    assert PROMOTE.check(args).answer is Answer.NO
    planned = PROMOTE.plan(args)
    assert "-> primary; it lacks" in planned.summary

    PROMOTE.do(args, attempt(planned))

    assert PROMOTE.check(args).answer is Answer.YES
    with caches.client("east") as east:
        assert east.dbsize() == 100
        east.set("only", "here")

    undo = PROMOTE.undo(args, planned.before)
    assert undo is not None
    assert undo.verb == FOLLOW.name
    assert FOLLOW.check(undo.args).answer is Answer.NO
    FOLLOW.do(undo.args, attempt(FOLLOW.plan(undo.args)))
    assert FOLLOW.check(undo.args).answer is Answer.YES
    with caches.client("east") as east:
        until(lambda: east.dbsize() == 100, "the primary's data")


def test_no_write_is_acknowledged_by_the_old_primary_once_its_successor_was_found(caches: Caches) -> None:
    """Writers come all the time; each tells what was acknowledged to it."""
    acknowledged: list[str] = []
    stop = threading.Event()

    def write() -> None:
        with caches.client("west") as west:
            while not stop.is_set():
                key = f"k{len(acknowledged)}"
                west.set(key, "1")
                acknowledged.append(key)

    with ThreadPoolExecutor() as pool:
        writer = pool.submit(write)
        try:
            until(lambda: len(acknowledged) > 100, "writes")
            planned = PROMOTE.plan(caches.estate.args(region="east"))
            found = PROMOTE.do(caches.estate.args(region="east"), attempt(planned))
            before = len(acknowledged)
            with caches.client("east") as east:
                lost = [key for key in acknowledged[:before] if not east.exists(key)]
                east.set("only", "here")
            assert len(acknowledged) == before, "held, until its clients have noticed"
            caches.estate.do(REJOIN, region="west")
        finally:
            stop.set()
        with pytest.raises(redis.exceptions.ReadOnlyError):
            writer.result(5)

    assert found["writes_held"] is True
    assert lost == []


def test_what_was_held_is_let_go_when_it_comes_to_nothing(caches: Caches) -> None:
    args = caches.estate.args(region="east")
    planned = PROMOTE.plan(args)
    PROMOTE.do(args, attempt(planned))
    undo = PROMOTE.undo(args, planned.before)
    assert undo is not None
    FOLLOW.do(undo.args, attempt(FOLLOW.plan(undo.args)))

    with caches.client("west") as west:
        west.connection_pool.connection_kwargs["socket_timeout"] = 1.0
        west.set("after", "the undo")


def test_what_took_too_long_to_catch_up_is_not_promoted(
    caches: Caches, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Soon the old primary would take writes again that nobody has."""
    monkeypatch.setattr(promote, "LATEST_S", 0.0)
    with pytest.raises(SourceError, match=r"west held its writes, but it took .* nothing was promoted"):
        caches.estate.do(PROMOTE, region="east")
    assert caches.info("east")["role"] == "slave"
    with caches.client("west") as west:
        west.connection_pool.connection_kwargs["socket_timeout"] = 1.0
        west.set("goes", "on")


def test_nobody_need_wonder_what_became_of_a_command_that_was_never_sent(caches: Caches) -> None:
    caches.estate.do(PROMOTE, region="east")
    planned = REJOIN.plan(caches.estate.args(region="west"))
    caches.kill("west")
    with pytest.raises(SourceError, match="cannot reach Redis of west"):
        REJOIN.do(caches.estate.args(region="west"), attempt(planned))


def test_a_server_that_holds_no_writes_is_promoted_all_the_same(caches: Caches) -> None:
    with caches.client("west") as west:
        west.execute_command("ACL", "SETUSER", "default", "-client|pause")
    assert caches.estate.do(PROMOTE, region="east")["writes_held"] is False


def test_the_old_primary_rejoins_and_then_the_other_way_round(caches: Caches) -> None:
    for here, there in (("east", "west"), ("west", "east")):
        caches.estate.do(PROMOTE, region=here)
        args = caches.estate.args(region=there)
        assert REJOIN.check(args).answer is Answer.NO
        caches.estate.do(REJOIN, region=there)
        assert REJOIN.check(args).answer is Answer.YES
        assert caches.info(there)["master_port"] == caches.ports[here]
    caches.estate.do(REJOIN, region="east")  # once more changes nothing
    assert caches.info("east")["master_link_status"] == "up"


def test_roles_outlive_a_restart(caches: Caches) -> None:
    promoted = caches.estate.do(PROMOTE, region="east")
    rejoined = caches.estate.do(REJOIN, region="west")
    assert promoted["outlives_restart"] is rejoined["outlives_restart"] is True

    for region in ("east", "west"):
        caches.kill(region)
        caches.start(region)

    assert caches.info("east")["role"] == "master"
    until(lambda: caches.info("west").get("master_link_status") == "up", "west linked again")
    assert caches.info("west")["master_port"] == caches.ports["east"]


def test_a_cache_without_a_file_for_its_configuration_says_that_it_forgets(caches: Caches) -> None:
    (caches.folder / "east.conf").unlink()
    (caches.folder / "east.conf").mkdir()

    assert caches.estate.do(PROMOTE, region="east")["outlives_restart"] is False

    assert PROMOTE.check(caches.estate.args(region="east")).answer is Answer.YES


def test_a_replica_without_a_link_is_promoted_only_ungraceful(caches: Caches) -> None:
    caches.kill("west")
    until(lambda: caches.info("east").get("master_link_status") == "down", "the link's end")

    with pytest.raises(Refused, match="it is not in sync"):
        caches.estate.do(PROMOTE, region="east")
    caches.estate.do(PROMOTE, region="east", mode="ungraceful")

    assert PROMOTE.check(caches.estate.args(region="east")).answer is Answer.YES


def test_an_attempt_from_before_another_promotion_does_nothing(caches: Caches) -> None:
    planned = PROMOTE.plan(caches.estate.args(region="east"))
    caches.estate.do(PROMOTE, region="east")
    caches.estate.do(REJOIN, region="west")
    caches.estate.do(PROMOTE, region="west")
    caches.estate.do(REJOIN, region="east")

    late = Attempt("dead-run/promote/key", 1, 1, planned.before)
    with pytest.raises(Refused, match="another history than planned"):
        PROMOTE.do(caches.estate.args(region="east"), late)

    assert caches.info("east")["role"] == "slave"


def test_a_primary_is_not_promoted_and_nobody_follows_nobody(caches: Caches) -> None:
    with pytest.raises(Refused, match="west is primary at offset"):
        PROMOTE.plan(caches.estate.args(region="west"))
    with pytest.raises(Refused, match="no primary answers that west could follow"):
        REJOIN.plan(caches.estate.args(region="west"))
    with pytest.raises(Refused, match="no primary answers"):
        FOLLOW.plan(caches.estate.args(region="west", host="127.0.0.1", port=caches.ports["east"]))


def test_a_frozen_cache_is_unknown_and_holds_nobody_up(caches: Caches) -> None:
    with frozen(caches.processes["east"].pid):
        began = time.monotonic()
        found = PROMOTE.check(caches.estate.args(region="east"))
        with pytest.raises(SourceError, match=r"Redis of east .* does not answer"):
            PROMOTE.plan(caches.estate.args(region="east"))
        assert time.monotonic() - began < 8

    assert found.answer is Answer.UNKNOWN


def test_errors_name_the_server_and_what_to_do_and_no_password(caches: Caches) -> None:
    (caches.folder / "secret").write_text("another-password")
    with pytest.raises(SourceError, match=r"Redis of east .* does not let us in") as failed:
        PROMOTE.plan(caches.estate.args(region="east"))
    assert "cache.user" in failed.value.hint
    assert "another-password" not in failed.value.message

    caches.kill("east")
    found = PROMOTE.check(caches.estate.args(region="east"))
    assert found.answer is Answer.UNKNOWN
    assert "cannot reach Redis of east" in found.evidence


def test_tls_is_demanded_where_a_ca_is_named(caches: Caches) -> None:
    trustme = pytest.importorskip("trustme")
    folder = caches.folder / "tls"
    regions = {"west": {"host": "127.0.0.1", "port": caches.ports["west"]}}
    estate = written(folder, cache={"password": "file:../secret", "ca": "ca.pem", "regions": regions})
    trustme.CA().cert_pem.write_to_path(folder / "ca.pem")

    found = PROMOTE.check(estate.args(region="west"))

    assert found.answer is Answer.UNKNOWN


@pytest.mark.parametrize("more", [{}, {"region": "nord"}, {"region": "east", "mode": 1}, {"regoin": "east"}])
def test_arguments_that_cannot_be_meant_are_refused(tmp_path: Path, more: dict[str, object]) -> None:
    estate = written(tmp_path, cache={"regions": {"east": {"host": "127.0.0.1", "port": 9}}})
    with pytest.raises(UsageError):
        PROMOTE.plan(estate.args(**more))


def test_a_client_of_ours_never_tries_twice(caches: Caches) -> None:
    """What a retry repeats may have been carried out already."""
    from keelwatch.adapters.redis.connection import connection
    from keelwatch.workspace.estate import find_estate

    with connection(find_estate(caches.estate.file, "here").the_cache(), "west") as asked:
        retry = asked._client.connection_pool.connection_kwargs["retry"]
    assert isinstance(retry, redis.retry.Retry)
    assert retry.get_retries() == 0
