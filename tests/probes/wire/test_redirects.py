"""Redirects as a browser follows them, and those that nobody should."""

from __future__ import annotations

import asyncio

import pytest

from probes.record import Cause
from probes.wire import WireFailure, WireRequest
from tests.probes.wire.conftest import Authority
from tests.probes.wire.portal import Handler, Portal, Reader, Writer, answer, portal, redirect, wired


def going(**places: str) -> Handler:
    """A redirect per path, `status location`; elsewhere the request itself comes back."""

    async def handler(head: str, reader: Reader, writer: Writer) -> None:
        place = places.get(head.split()[1].strip("/"))
        if place is None:
            writer.write(answer(head.encode()))
        else:
            status, _, to = place.partition(" ")
            writer.write(redirect(to, f"{status} Redirect"))

    return handler


async def failing(server: Portal, path: str, authority: Authority | None = None) -> WireFailure:
    async with wired(server, ca=authority.file if authority else None) as wire:
        with pytest.raises(WireFailure) as caught:
            await wire.follow(WireRequest("GET", server.url(path)))
    assert caught.value.cause is Cause.HTTP
    return caught.value


@pytest.mark.parametrize(
    ("method", "status", "then"),
    [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("PUT", 303, "GET"),
        ("PUT", 302, "PUT"),
        ("POST", 307, "POST"),
        ("PATCH", 308, "PATCH"),
        ("GET", 302, "GET"),
    ],
)
def test_the_method_after_a_redirect_is_a_browsers(method: str, status: int, then: str) -> None:
    async def go(server: Portal) -> None:
        body = b"" if method == "GET" else b"plan=plus"
        headers = (("Content-Type", "application/x-www-form-urlencoded"), ("X-Kept", "yes"))
        async with wired(server) as wire:
            reply = await wire.follow(WireRequest(method, server.url("/from"), headers if body else (), body))
        assert [hop.method for hop in reply.hops] == [method, then]
        assert reply.text.startswith(f"{then} /to?x=1 ")
        assert ("Content-Length: 9" in reply.text) == (then != "GET")
        assert ("form-urlencoded" in reply.text) == (then != "GET")
        assert ("X-Kept" in reply.text) == bool(body)

    with portal(going(**{"from": f"{status} to?x=1#part"})) as server:
        asyncio.run(go(server))


@pytest.mark.parametrize("kind", ["send", "stop"])
def test_a_redirect_that_is_not_to_be_followed_is_the_answer(kind: str) -> None:
    async def go(server: Portal) -> None:
        request = WireRequest("GET", server.url("/from"))
        async with wired(server) as wire:
            if kind == "send":
                reply = await wire.send(request)
            else:
                reply = await wire.follow(request, stop=lambda to: to.startswith("app://callback"))
        assert (reply.status, reply.header("location")) == (302, "app://callback?code=1")

    with portal(going(**{"from": "302 app://callback?code=1"})) as server:
        asyncio.run(go(server))


@pytest.mark.parametrize(
    ("places", "reason", "hops"),
    [
        ({"from": "302 /a", "a": "302 /b", "b": "302 /a"}, "round in a circle", 2),
        (
            {"from": "302 http://evil.invalid/x"},
            "evil.invalid:80, which is not a host of this environment",
            0,
        ),
        ({"from": "302 ftp://localhost/x"}, "not a host of this environment", 0),
        ({"from": "302 http://[::1"}, "no URL", 0),
        ({"from": "302 http://local host/"}, "", 0),
    ],
)
def test_a_redirect_to_nowhere_good_is_a_failure_that_says_where(
    places: dict[str, str], reason: str, hops: int
) -> None:
    with portal(going(**places)) as server:
        failure = asyncio.run(failing(server, "/from"))
    assert reason in failure.reason
    assert len(failure.earlier) == hops


def test_ten_redirects_are_followed_and_an_eleventh_is_not() -> None:
    async def endless(head: str, reader: Reader, writer: Writer) -> None:
        left = int(head.split()[1].strip("/"))
        writer.write(redirect(f"/{left - 1}") if left else answer())

    async def go(server: Portal) -> None:
        async with wired(server) as wire:
            assert len((await wire.follow(WireRequest("GET", server.url("/10")))).hops) == 11
        failure = await failing(server, "/11")
        assert failure.reason == "more than 10 redirects"
        assert (failure.hop.status, len(failure.earlier)) == (302, 10)

    with portal(endless) as server:
        asyncio.run(go(server))


def test_back_to_the_same_page_with_a_new_cookie_is_no_circle() -> None:
    async def wants_a_cookie(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(
            answer() if "Cookie: seen=1" in head else redirect("/", "302 Found", "Set-Cookie: seen=1")
        )

    async def go(server: Portal) -> None:
        async with wired(server) as wire:
            assert (await wire.follow(WireRequest("GET", server.url("/")))).status == 200

    with portal(wants_a_cookie) as server:
        asyncio.run(go(server))


def test_a_redirect_from_https_to_http_is_a_failure(authority: Authority) -> None:
    async def to_plain(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(redirect("http://localhost/bill"))

    with portal(to_plain, authority.server()) as server:
        failure = asyncio.run(failing(server, "/", authority))
    assert failure.reason == "redirected from https to http, to http://localhost/bill"
    assert failure.hop.status == 302


def test_a_token_does_not_follow_to_another_origin() -> None:
    async def go(one: Portal, other: Portal) -> None:
        request = WireRequest(
            "GET", one.url(f"/to/{other.port}"), (("Authorization", "Bearer x"), ("X-Kept", "yes"))
        )
        async with wired(one, other) as wire:
            reply = await wire.follow(request)
        assert "Authorization" not in reply.text
        assert "X-Kept" in reply.text

    async def away(head: str, reader: Reader, writer: Writer) -> None:
        writer.write(redirect(f"http://localhost:{head.split()[1].rpartition('/')[2]}/here"))

    with portal(going()) as other, portal(away) as one:
        asyncio.run(go(one, other))


def test_cookies_are_kept_and_belong_to_one_wire() -> None:
    async def cookies(head: str, reader: Reader, writer: Writer) -> None:
        if "/set" in head:
            writer.write(redirect("/get", "302 Found", "Set-Cookie: session=one; HttpOnly; Path=/"))
        else:
            writer.write(answer(b"known" if "session=one" in head else b"unknown"))

    async def go(server: Portal) -> None:
        get = WireRequest("GET", server.url("/get"))
        async with wired(server) as one, wired(server) as other:
            first = await one.follow(WireRequest("GET", server.url("/set")))
            assert first.body == b"known"
            assert (await one.send(get)).body == b"known"
            assert (await other.send(get)).body == b"unknown"

    with portal(cookies) as server:
        asyncio.run(go(server))
