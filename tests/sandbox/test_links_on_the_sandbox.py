"""Every connection between the regions takes a link, and feels what is done to it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import psycopg
import pytest
import redis

from keelwatch.adapters import sandbox as control
from keelwatch.sandbox.ports import LINKS, other
from tests.sandbox.failing_over import NAME, Estate, estate_of
from tests.sandbox.running import RunningSandbox
from tests.sandbox.test_faults import server, set_fault, statuses
from tests.sandbox.waiting import until

pytestmark = pytest.mark.deep

REGIONS = ["west", "east"]


@pytest.fixture
def estate(sandbox: RunningSandbox) -> Iterator[Estate]:
    yield estate_of(sandbox)
    control.clear_faults(name=NAME)
    until(sandbox.is_streaming, 20)
    until(lambda: _follows(estate_of(sandbox)), 20)


def _follows(estate: Estate) -> bool:
    with estate.redis("east") as server:
        return bool(server.role()[3] == b"connected")


def crossing(estate: Estate, start: str) -> psycopg.Connection:
    return psycopg.connect(estate.conninfo(other(start), start), autocommit=True)


def took_s(connection: psycopg.Connection) -> float:
    began = time.monotonic()
    connection.execute("select 1")
    return time.monotonic() - began


def hangs(estate: Estate, start: str) -> bool:
    try:
        crossing(estate, start).close()
    except psycopg.errors.ConnectionTimeout:
        return True
    return False


def test_the_replicas_come_over_the_links(sandbox: RunningSandbox, estate: Estate) -> None:
    ports = sandbox.first.ports
    assert set(LINKS) <= set(ports)
    with psycopg.connect(estate.conninfo("east")) as east:
        row = east.execute("select sender_port from pg_stat_wal_receiver").fetchone()
    assert row == (ports["east-west-postgres"],)
    with estate.redis("east") as replica:
        assert replica.role()[2] == ports["east-west-redis"]


@pytest.mark.parametrize("start", REGIONS)
def test_latency_is_felt_by_those_who_start_there(estate: Estate, start: str) -> None:
    with crossing(estate, start) as slow, crossing(estate, other(start)) as quick:
        set_fault("link.latency", "150ms", start)
        assert took_s(slow) >= 0.29
        assert took_s(quick) < 0.15
        with estate.redis(other(start), start) as cache:
            began = time.monotonic()
            cache.ping()
            assert time.monotonic() - began >= 0.29
        control.clear_faults("link", name=NAME)
        assert took_s(slow) < 0.15


@pytest.mark.parametrize("start", REGIONS)
def test_reset_ends_connections_and_lets_no_new_one_in(estate: Estate, start: str) -> None:
    with crossing(estate, other(start)) as whole:
        broken = crossing(estate, start)
        set_fault("link.reset", "on", start)
        with pytest.raises(psycopg.OperationalError):
            broken.execute("select 1")
        with pytest.raises(psycopg.OperationalError):
            crossing(estate, start)
        with estate.redis(other(start), start) as cache, pytest.raises(redis.exceptions.ConnectionError):
            cache.ping()
        assert took_s(whole) < 0.5
        control.clear_faults("link", name=NAME)
        crossing(estate, start).close()


@pytest.mark.parametrize("start", REGIONS)
def test_a_blackhole_lets_connects_hang_and_kills_what_lost_bytes(estate: Estate, start: str) -> None:
    with crossing(estate, other(start)) as whole:
        talker = crossing(estate, start)
        set_fault("link.blackhole", "on", start)
        talker.pgconn.send_query(b"select 1")
        assert hangs(estate, start)
        assert took_s(whole) < 0.5
        assert talker.pgconn.is_busy()
        control.clear_faults("link", name=NAME)
        with pytest.raises(psycopg.OperationalError):
            talker.execute("select 1")
        crossing(estate, start).close()


@pytest.mark.parametrize("start", [*REGIONS, "all"])
def test_a_partition_holds_everything_back_until_it_heals(estate: Estate, start: str) -> None:
    struck = REGIONS if start == "all" else [start]
    lines = {region: crossing(estate, region) for region in REGIONS}
    set_fault("link.partition", "on", start)
    for region in struck:
        lines[region].pgconn.send_query(b"select 1")
        assert hangs(estate, region)
    for region in set(REGIONS) - set(struck):
        assert took_s(lines[region]) < 0.5
    control.clear_faults("link", name=NAME)
    for region in struck:
        result = lines[region].pgconn.get_result()
        assert result is not None
        assert result.get_value(0, 0) == b"1", "TCP repeats what was not received"
    for line in lines.values():
        line.close()


def test_in_a_partition_both_regions_read_and_only_the_primary_s_writes(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    with (
        sandbox.customer("c09931", edge="west-edge") as west,
        sandbox.customer("c09932", edge="east-edge") as east,
    ):
        until(lambda: statuses(east, "/v1/session", 2) == {200: 2})
        set_fault("link.partition", "on")
        for client, status in ((west, 200), (east, 503)):
            assert statuses(client, "/v1/invoices", 4) == {200: 4}
            key = {"idempotency-key": f"partition-{time.time_ns()}"}
            answer = client.post("/v1/plan", json={"plan": "max"}, headers=key)
            assert answer.status_code == status
        control.clear_faults("link", name=NAME)
        until(sandbox.serves, 20)


def test_without_the_links_process_the_standby_waits_and_comes_back(
    sandbox: RunningSandbox, estate: Estate
) -> None:
    before = sandbox.pid("links")
    os.kill(before, 9)
    until(lambda: sandbox.pid("links") != before and server("links").state == "ready")
    until(sandbox.is_streaming, 20)
    until(sandbox.serves, 20)
