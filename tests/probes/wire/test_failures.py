"""Each way in which there is no answer has its cause, a reason for a person, and the phases that happened."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import zlib
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keelwatch.workspace.secret import Secret
from probes.answer import LARGEST_BODY
from probes.record import Cause
from probes.wire import LagMeter, NotOurs, Resolver, Trust, Wire, WireFailure, WireRequest
from probes.wire.resolver import Address
from tests.probes.wire.conftest import Authority, make_authority, self_signed
from tests.probes.wire.portal import Handler, Portal, Reader, Writer, answer, loopback, portal, wired


async def failure_of(server: Portal, ca: Path | None = None, **options: object) -> WireFailure:
    async with wired(server, ca=ca, **options) as wire:  # type: ignore[arg-type]
        with pytest.raises(WireFailure) as caught:
            await wire.send(WireRequest("GET", server.url()))
        assert wire.phase_now is None
    assert caught.value.hop.status == 0
    return caught.value


async def fine(head: str, reader: Reader, writer: Writer) -> None:
    writer.write(answer())


def saying(text: bytes) -> Handler:
    async def handler(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(text)
        writer.close()

    return handler


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def test_a_refused_connection_is_tcp_and_names_the_address() -> None:
    server = Portal("http", free_port())
    failure = asyncio.run(failure_of(server))
    assert failure.cause is Cause.TCP
    assert failure.reason == f"connection refused by 127.0.0.1:{server.port}"
    assert {"dns", "connect"} <= failure.hop.phases.keys()
    assert "wait" not in failure.hop.phases


def test_one_dead_address_of_several_is_no_failure() -> None:
    async def go(server: Portal) -> None:
        def several(name: str) -> Sequence[Address]:
            return [Address(2, ("127.0.0.9", 0)), *loopback(name), Address(10, ("::1", 0, 0, 0))]

        async with wired(server, lookup=several) as wire:
            reply = await wire.send(WireRequest("GET", server.url()))
        assert reply.hop.address == f"127.0.0.1:{server.port}"

    with portal(fine) as server:
        asyncio.run(go(server))


def test_a_name_that_does_not_exist_is_dns() -> None:
    def unknown(name: str) -> Sequence[Address]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    failure = asyncio.run(failure_of(Portal("http", 80, "gone.invalid"), lookup=unknown))
    assert (failure.cause, failure.reason) == (Cause.DNS, "no such name: gone.invalid")
    assert "connect" not in failure.hop.phases


def test_a_silent_name_server_is_dns_and_said_otherwise() -> None:
    def silent(name: str) -> Sequence[Address]:
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    failure = asyncio.run(failure_of(Portal("http", 80, "shop.invalid"), lookup=silent))
    assert (failure.cause, failure.reason) == (Cause.DNS, "no name server answered for shop.invalid")


def test_a_certificate_of_an_unknown_authority_is_tls(authority: Authority, tmp_path: Path) -> None:
    other = make_authority(tmp_path / "other.pem")
    with portal(fine, authority.server()) as server:
        failure = asyncio.run(failure_of(server, other.file))
    assert failure.cause is Cause.TLS
    assert failure.reason.startswith("certificate of localhost refused: ")
    assert {"dns", "connect", "tls"} <= failure.hop.phases.keys()


def test_an_expired_certificate_is_tls_and_says_so(authority: Authority) -> None:
    yesterday = datetime.now(UTC) - timedelta(days=1)
    with portal(fine, authority.server(not_after=yesterday)) as server:
        failure = asyncio.run(failure_of(server, authority.file))
    assert failure.cause is Cause.TLS
    assert failure.reason == "certificate of localhost refused: certificate has expired"


def test_a_certificate_that_vouches_for_itself_is_tls(authority: Authority) -> None:
    with portal(fine, self_signed()) as server:
        failure = asyncio.run(failure_of(server, authority.file))
    assert failure.cause is Cause.TLS
    assert failure.reason == "certificate of localhost refused: self-signed certificate"


def test_a_certificate_for_another_name_is_tls(authority: Authority) -> None:
    with portal(fine, authority.server()) as server:
        failure = asyncio.run(failure_of(Portal("https", server.port, "shop.invalid"), authority.file))
    assert failure.cause is Cause.TLS
    assert "shop.invalid" in failure.reason


def test_plain_http_where_tls_is_due_is_tls(authority: Authority) -> None:
    with portal(fine, greeting=b"HTTP/1.1 400 Bad Request\r\n\r\n") as server:
        failure = asyncio.run(failure_of(Portal("https", server.port), authority.file))
    assert failure.cause is Cause.TLS


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (b"", "hung up without an answer"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "broke its answer off"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "broke its answer off"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf", "broke its answer off"),
        (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "does not speak HTTP as it should"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "does not speak HTTP as it should"),
        (
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc",
            "not encoded as it says",
        ),
    ],
)
def test_an_answer_that_is_none_is_http(said: bytes, reason: str) -> None:
    with portal(saying(said)) as server:
        failure = asyncio.run(failure_of(server))
    assert failure.cause is Cause.HTTP
    assert reason in failure.reason


def test_a_reset_connection_is_http() -> None:
    async def reset(head: str, reader: Reader, writer: Writer) -> None:
        linger = b"\1\0\0\0\0\0\0\0"
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.close()

    with portal(reset) as server:
        failure = asyncio.run(failure_of(server))
    assert failure.cause is Cause.HTTP
    assert "Connection reset by peer" in failure.reason


def test_what_a_server_refuses_early_is_read_though_our_body_was_not() -> None:
    async def too_large(reader: Reader, writer: Writer) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(b"no", "413 Content Too Large", "Connection: close"))
        await writer.drain()
        writer.get_extra_info("socket").shutdown(socket.SHUT_WR)
        while await reader.read(1 << 20):
            pass
        writer.close()

    async def go() -> int:
        async with await asyncio.start_server(too_large, "127.0.0.1", 0) as server:
            place = Portal("http", server.sockets[0].getsockname()[1])
            async with wired(place) as wire:
                request = WireRequest("POST", place.url(), (), b"x" * 20_000_000)
                return (await wire.send(request)).status

    assert asyncio.run(go()) == 413


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_an_endless_body_is_cut_and_said(encoding: str) -> None:
    packer = zlib.compressobj(wbits=31)

    async def endless(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Encoding: {encoding}\r\n\r\n".encode())
        while not writer.is_closing():
            part = b"y" * 65536
            writer.write(packer.compress(part) if encoding == "gzip" else part)
            await writer.drain()
            await asyncio.sleep(0)

    async def go(server: Portal) -> None:
        async with wired(server) as wire:
            reply = await wire.send(WireRequest("GET", server.url()))
            assert (len(reply.body), reply.cut) == (LARGEST_BODY, True)

    with portal(endless) as server:
        asyncio.run(go(server))


def test_a_body_is_decoded() -> None:
    body = gzip.compress(b"bonjour")
    with portal(saying(answer(body, "200 OK", "Content-Encoding: gzip"))) as server:

        async def go() -> None:
            async with wired(server) as wire:
                reply = await wire.send(WireRequest("GET", server.url()))
            assert (reply.body, reply.cut) == (b"bonjour", False)

        asyncio.run(go())


def test_what_follows_the_answer_is_not_taken_for_the_next() -> None:
    async def talkative(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(answer(b"one") + answer(b"smuggled"))

    async def go(server: Portal) -> None:
        async with wired(server) as wire:
            first = await wire.send(WireRequest("GET", server.url()))
            second = await wire.send(WireRequest("GET", server.url()))
        assert (first.body, second.body, second.hop.reused) == (b"one", b"one", False)

    with portal(talkative) as server:
        asyncio.run(go(server))


def test_a_connection_that_the_server_gave_up_is_not_used_again() -> None:
    async def once(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(answer())
        await writer.drain()
        writer.close()

    async def go(server: Portal) -> None:
        async with wired(server) as wire:
            for _ in range(3):
                reply = await wire.send(WireRequest("GET", server.url()))
                assert (reply.status, reply.hop.reused) == (200, False)
                await asyncio.sleep(0.05)

    with portal(once) as server:
        asyncio.run(go(server))


def test_nothing_is_sent_to_a_host_that_is_not_ours() -> None:
    async def go(server: Portal) -> None:
        async with wired(server) as wire:
            for url in (
                f"http://127.0.0.1:{server.port}/",
                f"https://localhost:{server.port}/",
                f"http://localhost:{server.port + 1}/",
                f"http://localhost:{server.port}@evil.invalid/",
                "file:///etc/passwd",
                "/relative",
                "http://[::1/",
            ):
                with pytest.raises(NotOurs):
                    await wire.send(WireRequest("GET", url))

    with portal(fine) as server:
        asyncio.run(go(server))


def test_a_header_that_cannot_be_sent_is_our_fault() -> None:
    async def go(server: Portal) -> None:
        async with wired(server) as wire:
            with pytest.raises(WireFailure) as caught:
                await wire.send(WireRequest("GET", server.url(), (("X-Token", "a\r\nInjected: b"),)))
            assert caught.value.cause is Cause.OURS
            assert (await wire.send(WireRequest("GET", server.url()))).status == 200

    with portal(fine) as server:
        asyncio.run(go(server))


def test_secrets_are_masked_in_urls_and_reasons() -> None:
    token = Secret("s3ntinel-of-the-wire")
    server = Portal("http", free_port())

    async def go() -> WireFailure:
        async with wired(server) as wire:
            with pytest.raises(WireFailure) as caught:
                await wire.send(WireRequest("GET", server.url(f"/?code={token.reveal()}")))
        return caught.value

    failure = asyncio.run(go())
    assert token.reveal() not in f"{failure.hop} {failure.reason}"


@pytest.mark.parametrize("variable", ["HTTP_PROXY", "http_proxy", "ALL_PROXY"])
def test_a_proxy_of_the_environment_is_not_asked(variable: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(variable, f"http://127.0.0.1:{free_port()}")

    async def go(server: Portal) -> int:
        async with wired(server) as wire:
            return (await wire.send(WireRequest("GET", server.url()))).status

    with portal(fine) as server:
        assert asyncio.run(go(server)) == 200


def test_headers_of_the_wire_go_out_unless_the_request_has_its_own() -> None:
    async def mirror(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(answer(head.encode()))

    async def go(server: Portal) -> None:
        hosts = frozenset({server.host})
        extra = (("Traffic", "probe"), ("Accept", "*/*"))
        async with Wire(
            Trust(ssl.create_default_context()), Resolver(loopback), LagMeter(), hosts, extra
        ) as wire:
            said = (await wire.send(WireRequest("GET", server.url(), (("accept", "text/html"),)))).text
        assert "Traffic: probe" in said
        assert "text/html" in said
        assert "*/*" not in said
        assert "python" not in said

    with portal(mirror) as server:
        asyncio.run(go(server))
