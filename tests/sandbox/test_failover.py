"""The sandbox fails over when somebody does it: the portal finds the new primary, and the old one rejoins."""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import httpx
import psycopg
import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.workspace import UsageError, narrate
from tests.sandbox.failing_over import NAME, Estate, customers_of_both_regions, estate_of
from tests.sandbox.running import RunningSandbox
from tests.sandbox.signing_in import Login, entering
from tests.sandbox.signing_in import customer as who_of
from tests.sandbox.test_faults import server, set_fault
from tests.sandbox.waiting import until

LONGEST_WRITE_GAP_S = 8.0  # on a busy machine; a second on an idle one


@pytest.fixture
def estate(sandbox: RunningSandbox) -> Iterator[Estate]:
    found = estate_of(sandbox)
    yield found
    found.restore()


def beats_in(estate: Estate, region: str) -> bool:
    return estate.beats()[-1].get("region") == region


def written(client: httpx.Client, plan: str = "max") -> int:
    return answer_to_write(client, plan).status_code


def answer_to_write(client: httpx.Client, plan: str = "max") -> httpx.Response:
    headers = {"idempotency-key": f"failover-{time.time_ns()}"}
    return client.post("/v1/plan", json={"plan": plan}, headers=headers)


def until_written(client: httpx.Client) -> None:
    """A write of this customer is taken; else the test fails with what was answered instead."""
    answers: list[str] = []

    def is_taken() -> bool:
        answer = answer_to_write(client)
        answers.append(f"{answer.status_code} {answer.text[:80]}")
        return answer.status_code == httpx.codes.OK

    try:
        until(is_taken)
    except AssertionError:
        pytest.fail(f"no write was taken: {answers}")


def test_a_graceful_failover_and_back_loses_nothing_and_is_a_short_gap(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    began = time.time()
    with customers_of_both_regions(sandbox) as traffic:
        until(lambda: traffic.good_writes(began) > 10)
        for there, back in (("east", "west"), ("west", "east")):
            estate.promote(there, at_least=estate.fence(back))
            assert estate.rejoin(back) == {"database": "rewind", "cache": "replicaof"}
            assert estate.primaries() == {there}
            until(partial(beats_in, estate, there))
            settled = time.time()
            until(lambda settled=settled: traffic.good_writes(settled) > 10)  # type: ignore[misc]
    narrate(f"longest write gap {traffic.longest_gap_s():.2f} s, failed reads {traffic.failed_reads()}")
    assert traffic.longest_gap_s() < LONGEST_WRITE_GAP_S
    last = {region: status for _, region, status in traffic.writes}
    assert last == {"west": 200, "east": 200}
    assert estate.lost("west", began) == []
    until(lambda: estate.lost("east", began) == [])


def test_a_failover_survives_that_the_old_primary_was_killed(sandbox: RunningSandbox, estate: Estate) -> None:
    with sandbox.customer("c09923", edge="east-edge") as east:
        set_fault("database.killed", "on", "west")
        assert server("postgres-west").state == "held"
        assert written(east) == 503
        assert east.get("/v1/accounts/me").status_code == 200
        estate.promote("east")
        until_written(east)
        assert server("postgres-west").state == "held", "it stays down"
        with pytest.raises(UsageError, match="kept down by a fault"):
            control.rejoin("database", "west", name=NAME)
        control.clear_faults(name=NAME)
        until(lambda: server("postgres-west").state == "ready", 20)
        assert estate.primaries() == {"west", "east"}, "it comes back as what it was"
        assert estate.rejoin("west")["database"] in {"rewind", "copy"}
        assert estate.primaries() == {"east"}
        until_written(east)


def test_a_partition_splits_the_brain_and_the_lost_writes_can_be_counted(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    with (
        sandbox.customer("c09924", edge="west-edge") as west,
        sandbox.customer("c09925", edge="east-edge") as east,
    ):
        estate.await_sessions("west")
        set_fault("link.partition", "on")
        began = time.time()
        assert written(west) == 200
        assert written(east) == 503
        estate.promote("east")
        until_written(east)
        until_written(west)
        until(lambda: len(estate.beats(began)) > 10)
        control.clear_faults(name=NAME)
        assert estate.primaries() == {"west", "east"}
        assert written(west) == 200
        assert estate.rejoin("west")["database"] == "rewind"
        assert estate.primaries() == {"east"}
        until(partial(beats_in, estate, "east"))
        lost = estate.lost("east", began)
        assert len(lost) > 10, "what only the west had acknowledged"
        assert lost == sorted(lost)
        until(lambda: written(west) == written(east) == 200)
        until(lambda: west.get("/v1/session").status_code == east.get("/v1/session").status_code == 200)


def test_between_a_promotion_and_the_rejoining_the_workers_agree_on_a_cache(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    """Both say that they are the primary, and each request of a login may meet another worker."""
    logins = [who_of(sandbox) for _ in range(6)]
    with estate.redis("west") as old, estate.redis("east") as new:
        old.execute_command("CLIENT", "PAUSE", 3000, "WRITE")
        new.replicaof("NO", "ONE")
        for number, who in enumerate(logins):
            with entering(sandbox, "west-edge" if number % 2 else "east-edge") as client:
                login = Login(client)
                assert login.exchange(login.code(who)).status_code == 200
        old.execute_command("CLIENT", "UNPAUSE")
        held = [set(server.scan_iter("refresh:*")) for server in (new, old)]
        assert old.role()[0] == new.role()[0] == b"master"
        assert len(held[0] - held[1]) >= len(logins), "all at the one that was promoted last"


@pytest.mark.parametrize("fault", ["link.blackhole", "link.reset"])
def test_the_old_primary_rejoins_the_moment_its_link_is_whole(
    sandbox: RunningSandbox, estate: Estate, fault: str
) -> None:
    set_fault(fault, "on")
    estate.promote("east")
    control.clear_faults(name=NAME)
    assert estate.rejoin("west") == {"database": "rewind", "cache": "replicaof"}
    assert estate.primaries() == {"east"}


def test_the_old_primary_rejoins_while_it_recovers_from_a_crash(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    estate.promote("east")
    set_fault("database.crash", "on", "west")
    assert estate.rejoin("west")["database"] in {"rewind", "copy"}
    assert estate.primaries() == {"east"}
    until(lambda: server("postgres-west").state == "ready")


def test_rejoining_again_does_nothing_and_the_only_primary_cannot_rejoin(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    assert estate.rejoin("east") == {"database": "nothing", "cache": "nothing"}
    for component in ("database", "cache"):
        with pytest.raises(UsageError, match=f"the {component} of east is no primary"):
            control.rejoin(component, "west", name=NAME)
    with pytest.raises(UsageError, match="nothing can rejoin as 'edge' in 'west'"):
        control.rejoin("edge", "west", name=NAME)
    assert estate.primaries() == {"west"}


def test_each_server_restarts_as_what_the_failover_made_of_it(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    estate.switch("east")
    set_fault("database.crash", "on")
    set_fault("cache.crash", "on")
    names = ("postgres-west", "postgres-east", "redis-west", "redis-east")
    until(lambda: all(server(name).state == "ready" and server(name).restarts for name in names), 30)
    until(lambda: estate.primaries() == {"east"})
    with estate.redis("east") as there, estate.redis("west") as here:
        assert there.role()[0] == b"master"
        until(lambda: here.role()[:1] + here.role()[3:4] == [b"slave", b"connected"])
    until(lambda: estate.sql("west", "select count(*) from pg_stat_wal_receiver where status = 'streaming'"))


def test_slots_are_those_of_the_standby_alone_after_each_failover(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    for primary, standby in (("east", "west"), ("west", "east"), ("east", "west")):
        estate.switch(primary)
        slots = "select string_agg(slot_name, ' ') from pg_replication_slots"
        assert estate.sql(primary, slots) == standby
        assert estate.sql(standby, slots) is None
        fence = "select setting from pg_settings where name = 'default_transaction_read_only'"
        assert estate.sql(standby, fence) == "off", "the fence is gone with the rejoining"


def test_a_region_without_a_link_is_not_stopped_in_vain(sandbox: RunningSandbox, estate: Estate) -> None:
    estate.fence("west")
    estate.promote("east")
    set_fault("link.reset", "on")
    with pytest.raises(Exception, match="does not reach its new primary in east"):
        control.rejoin("database", "west", name=NAME)
    assert server("postgres-west").state == "ready"


def test_the_heartbeat_s_numbers_are_on_the_primary(sandbox: RunningSandbox, estate: Estate) -> None:
    began = time.time()
    until(lambda: len(estate.beats(began)) > 20)
    beats = estate.beats(began)
    assert all(beat["region"] == "west" for beat in beats)
    numbers = [beat["n"] for beat in beats]
    assert numbers == list(range(numbers[0], numbers[0] + len(beats)))
    assert estate.lost("west", began) == []
    with psycopg.connect(estate.conninfo("west")) as connection:
        upper = connection.execute("select pg_current_wal_insert_lsn() >= %s::pg_lsn", (beats[-1]["lsn"],))
        assert upper.fetchone() == (True,)
    until(lambda: estate.lost("east", began) == [])


def test_a_heartbeat_that_fails_is_on_record_and_numbers_go_on(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    before = estate.beats()[-1]["n"]
    set_fault("database.crash", "on", "west")
    until(lambda: [beat for beat in estate.beats() if beat["n"] > before and "failed" in beat])
    until(lambda: "lsn" in estate.beats()[-1], 20)
    numbers = [beat["n"] for beat in estate.beats()]
    assert numbers == sorted(set(numbers))
