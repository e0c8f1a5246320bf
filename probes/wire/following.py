"""Requests and the redirects that their answers send us to, whoever carries them: journeys as probes and as
load follow the same rules."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

from keelwatch.workspace.sink import redact
from probes.answer import Answer
from probes.record import Cause, Hop
from probes.wire.redirect import leaves_tls, location, redirected
from probes.wire.request import Host, NotOurs, Pending, WireFailure, WireRequest

MOST_REDIRECTS = 10
DEFAULT_PORT = {"http": 80, "https": 443}


class Following(ABC):
    """Sends to `hosts` alone. Whoever inherits makes one hop."""

    def __init__(self, hosts: frozenset[Host]) -> None:
        self._hosts = hosts
        self._earlier: tuple[Hop, ...] = ()

    @property
    def phase_now(self) -> Pending | None:
        """What is going on, or was going on when the last call was cancelled; None when that has ended."""
        return None

    async def send(self, request: WireRequest, *, fresh: bool = False) -> Answer:
        """One request, one answer, one hop; redirects are answers. `fresh`: on a new connection. Raises
        `WireFailure`, `NotOurs`."""
        self._earlier = ()
        return await self._hop(request, fresh=fresh)

    async def follow(
        self,
        request: WireRequest,
        *,
        fresh: bool = False,
        most: int = MOST_REDIRECTS,
        stop: Callable[[str], bool] | None = None,
    ) -> Answer:
        """Send, and follow at most so many redirects; the answer has a hop for each. A redirect to a URL for
        which `stop` is true is the answer. Raises `WireFailure`, `NotOurs`."""
        self._earlier = ()
        seen = {self._state(request)}
        while True:
            answer = await self._hop(request, fresh=fresh)
            hops = (*self._earlier, *answer.hops)
            to = location(request, answer)
            if to is None or (stop is not None and stop(to)):
                return Answer(answer.status, answer.headers, answer.body, hops, answer.cut)
            refusal = self._refusal(request.url, to) or (
                f"more than {most} redirects" if len(hops) > most else None
            )
            request = redirected(request, answer.status, to)
            state = self._state(request) if refusal is None else ()
            if state in seen:
                refusal = f"redirects go round in a circle, at {to}"
            if refusal is not None:
                raise WireFailure(Cause.HTTP, redact(refusal), answer.hop, self._earlier)
            seen.add(state)
            self._earlier = hops

    def _refusal(self, url: str, to: str) -> str | None:
        """Why a redirect is not followed."""
        if leaves_tls(url, to):
            return f"redirected from https to http, to {to}"
        try:
            host = _host(to)
        except ValueError:
            return f"redirected to {to}, which is no URL"
        if host not in self._hosts:
            return f"redirected to {_shown(host)}, which is not a host of this environment"
        return None

    def _state(self, request: WireRequest) -> tuple[object, ...]:
        """What decides the next answer, as far as it is up to us: at the same again, we go in a circle."""
        return (request.method, request.url, request.body, tuple(self._cookies()))

    @abstractmethod
    async def _hop(self, request: WireRequest, *, fresh: bool) -> Answer:
        """One request to a host that is allowed. Raises `WireFailure`, `NotOurs`."""

    @abstractmethod
    def _cookies(self) -> list[tuple[str, str, str | None]]:
        """Domain, name and value of each that would be sent back, sorted."""

    def allow(self, request: WireRequest) -> None:
        """Raises `NotOurs` for a request that leads out of the environment."""
        try:
            host = _host(request.url)
        except ValueError as error:
            raise NotOurs(f"{request.url!r} is no URL: {error}") from None
        if host not in self._hosts:
            known = ", ".join(sorted(_shown(one) for one in self._hosts))
            raise NotOurs(f"{_shown(host)} is not a host of this environment", f"its hosts are {known}")


def _host(url: str) -> Host:
    """Read by the parser that the request is made with: nothing goes elsewhere. Raises `ValueError`."""
    import httpx

    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as error:
        raise ValueError(str(error)) from None
    if not parsed.host:
        raise ValueError("it names no host")
    return (parsed.scheme, parsed.raw_host.decode(), parsed.port or DEFAULT_PORT.get(parsed.scheme, 0))


def _shown(host: Host) -> str:
    return f"{host[0]}://{host[1]}:{host[2]}"
