"""What a hop says it took, against servers that know."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

import pytest

from probes.record import PHASES
from probes.wire import WireRequest
from probes.wire.resolver import Address
from tests.probes.wire.conftest import Authority
from tests.probes.wire.portal import Reader, Writer, answer, loopback, portal, redirect, wired
from tests.probes.wire.quiet import in_a_quiet_moment

DELAY_S = 0.05


async def delayed(head: str, reader: Reader, writer: Writer) -> None:
    await asyncio.sleep(DELAY_S)
    writer.write(answer())


async def chain(head: str, reader: Reader, writer: Writer) -> None:
    """/2 -> /1 -> /0, each on a connection of its own."""
    left = int(head.split()[1].strip("/"))
    writer.write(redirect(f"/{left - 1}", "302 Found", "Connection: close") if left else answer())
    if left:
        writer.close()


@in_a_quiet_moment
def test_the_phases_are_named_and_add_up_to_the_wall_clock(authority: Authority) -> None:
    async def go() -> None:
        async with wired(server, ca=authority.file) as wire:
            began = time.monotonic()
            hop = (await wire.send(WireRequest("POST", server.url(), (), b"x" * 100_000))).hop
            wall_ms = (time.monotonic() - began) * 1000
        assert set(hop.phases) == set(PHASES)
        assert min(hop.phases.values()) >= 0
        assert hop.total_ms == pytest.approx(wall_ms, abs=5)
        assert hop.phases["wait"] == pytest.approx(DELAY_S * 1000, abs=15)

    with portal(delayed, authority.server()) as server:
        asyncio.run(go())


def test_a_reused_connection_says_so_and_has_no_setup(authority: Authority) -> None:
    async def go() -> None:
        async with wired(server, ca=authority.file) as wire:
            first = (await wire.send(WireRequest("GET", server.url()))).hop
            second = (await wire.send(WireRequest("GET", server.url()))).hop
            fresh = (await wire.send(WireRequest("GET", server.url()), fresh=True)).hop
        assert (first.reused, second.reused, fresh.reused) == (False, True, False)
        assert not {"dns", "connect", "tls"} & second.phases.keys()
        assert {"dns", "connect", "tls"} <= fresh.phases.keys()
        assert second.tls_serial == first.tls_serial != ""

    with portal(delayed, authority.server()) as server:
        asyncio.run(go())


def test_each_redirect_is_a_hop_with_its_own_handshake(authority: Authority) -> None:
    async def go() -> None:
        async with wired(server, ca=authority.file) as wire:
            reply = await wire.follow(WireRequest("GET", server.url("/2")))
        assert [hop.status for hop in reply.hops] == [302, 302, 200]
        assert [hop.url for hop in reply.hops] == [server.url(f"/{left}") for left in (2, 1, 0)]
        for hop in reply.hops:
            assert 0 < hop.phases["tls"] < 500
            assert hop.tls.startswith("TLSv1")
            assert hop.tls_expires is not None
            assert hop.tls_expires > time.time()

    with portal(chain, authority.server()) as server:
        asyncio.run(go())


@in_a_quiet_moment
def test_looking_a_name_up_is_timed_as_dns_and_nothing_else() -> None:
    def slow(name: str) -> Sequence[Address]:
        time.sleep(0.12)
        return loopback(name)

    async def go() -> None:
        async with wired(server, lookup=slow) as wire:
            hop = (await wire.send(WireRequest("GET", server.url()))).hop
        assert hop.phases["dns"] == pytest.approx(120, abs=15)
        assert hop.phases["connect"] < 20

    with portal(delayed) as server:
        asyncio.run(go())


@pytest.mark.parametrize("tls", [False, True])
@in_a_quiet_moment
def test_a_loop_that_stood_still_does_not_make_the_server_slow(authority: Authority, *, tls: bool) -> None:
    async def go() -> None:
        async with wired(server, ca=authority.file) as wire:
            await wire.send(WireRequest("GET", server.url()))
            asyncio.get_running_loop().call_later(0.01, time.sleep, 0.2)
            hop = (await wire.send(WireRequest("GET", server.url()))).hop
        assert hop.total_ms > 190
        assert hop.phases["wait"] == pytest.approx(DELAY_S * 1000, abs=15)
        assert hop.corrected
        assert not hop.tainted

    with portal(delayed, authority.server() if tls else None) as server:
        asyncio.run(go())


@in_a_quiet_moment
def test_where_the_kernel_is_silent_a_loop_that_stood_still_taints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.wire.network.lateness_s", lambda *_: None)

    async def go() -> None:
        async with wired(server) as wire:
            await wire.send(WireRequest("GET", server.url()))
            asyncio.get_running_loop().call_later(0.01, time.sleep, 0.2)
            stood_still = (await wire.send(WireRequest("GET", server.url()))).hop
            await asyncio.sleep(0.05)
            awake = (await wire.send(WireRequest("GET", server.url()))).hop
        assert stood_still.tainted
        assert not stood_still.corrected
        assert not awake.tainted

    with portal(delayed) as server:
        asyncio.run(go())


@in_a_quiet_moment
def test_without_stamps_the_kernels_tick_corrects(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("probes.wire.kernel.SO_TIMESTAMPNS", -1)

    async def go() -> None:
        async with wired(server) as wire:
            await wire.send(WireRequest("GET", server.url()))
            asyncio.get_running_loop().call_later(0.01, time.sleep, 0.2)
            hop = (await wire.send(WireRequest("GET", server.url()))).hop
        assert hop.phases["wait"] == pytest.approx(DELAY_S * 1000, abs=15)
        assert hop.corrected

    with portal(delayed) as server:
        asyncio.run(go())


@pytest.mark.parametrize("step_s", [-3600.0, 3600.0])
@in_a_quiet_moment
def test_a_wall_clock_that_jumps_changes_no_duration(monkeypatch: pytest.MonkeyPatch, step_s: float) -> None:
    real = time.time
    monkeypatch.setattr("probes.wire.kernel.time.time", lambda: real() + step_s)

    async def go() -> None:
        async with wired(server) as wire:
            hop = (await wire.send(WireRequest("GET", server.url()))).hop
        assert hop.phases["wait"] == pytest.approx(DELAY_S * 1000, abs=15)

    with portal(delayed) as server:
        asyncio.run(go())


@in_a_quiet_moment
def test_a_body_that_takes_its_time_is_received_not_waited_for() -> None:
    async def slowly(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(answer(b"x" * 6)[:-5])
        for _ in range(5):
            await asyncio.sleep(0.02)
            writer.write(b"x")

    async def go() -> None:
        async with wired(server) as wire:
            reply = await wire.send(WireRequest("GET", server.url()))
        assert reply.body == b"x" * 6
        assert reply.hop.phases["receive"] == pytest.approx(100, abs=30)
        assert reply.hop.phases["wait"] < 15

    with portal(slowly) as server:
        asyncio.run(go())
