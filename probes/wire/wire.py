"""One execution's way to the portal: requests out, answers with their times back."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from types import TracebackType
from typing import TYPE_CHECKING, Self

from keelwatch.workspace.sink import redact
from probes.answer import LARGEST_BODY, Answer
from probes.record import Cause
from probes.wire.following import Following
from probes.wire.lag import LagMeter
from probes.wire.request import AGENT, Broken, Host, Pending, WireFailure, WireRequest
from probes.wire.resolver import Resolver
from probes.wire.stopwatch import Stopwatch, running
from probes.wire.trust import Trust

if TYPE_CHECKING:
    import httpx

ENCODINGS = ("Accept-Encoding", "gzip, deflate")
NO_TIMEOUT = None  # deadlines are total, and the caller's


# httpx would load its own command line, with rich and click: a third of its time. None tells Python, and so
# httpx, that there is none.
sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]

LOADED_LATE = (
    "_strptime",  # by the end of the first certificate
    "anyio._backends._asyncio",  # by httpcore's first lock
    "anyio.streams.tls",
    "encodings.idna",  # by the first name
    "probes.wire.transport",
    "zlib",
)


@cache
def warm_up() -> float:
    """Load what the first request would load on a customer's time. Returns how long it took, in ms; only the
    first call of a process takes any."""
    began = time.monotonic()
    for module in LOADED_LATE:
        import_module(module)
    return (time.monotonic() - began) * 1000


class Wire(Following):
    """Cookies and connections of one execution; shares nothing with another but trust and resolver.

    Sends to `hosts` alone, over HTTP/1.1, past every proxy of the environment. It has no timeouts: put
    `asyncio.timeout` around a call. A cancelled call closes its connection and spoils nothing.
    """

    def __init__(
        self,
        trust: Trust,
        resolver: Resolver,
        lag: LagMeter,
        hosts: frozenset[Host],
        headers: Iterable[tuple[str, str]] = (),
    ) -> None:
        super().__init__(hosts)
        self._trust = trust
        self._resolver = resolver
        self._lag = lag
        self._headers = (*headers, ENCODINGS, AGENT)
        self._pending: list[Stopwatch] = []
        self._cut_off: Stopwatch | None = None

    async def __aenter__(self) -> Self:
        warm_up()
        import httpx

        from probes.wire.network import Network
        from probes.wire.transport import Connections

        self._network = Network(self._resolver)
        transport = Connections(self._network, self._trust.context)
        self._client = httpx.AsyncClient(transport=transport, trust_env=False, timeout=NO_TIMEOUT)
        self._client.headers.clear()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._client.aclose()
        finally:
            self._network.close()

    def beside(self, trust: Trust, hosts: frozenset[Host]) -> Wire:
        """Another way, to other hosts, with our resolver; open it as this one was."""
        return Wire(trust, self._resolver, self._lag, hosts)

    @property
    def phase_now(self) -> Pending | None:
        """What is going on, or was going on when the last call was cancelled; None when that has ended."""
        watch = self._pending[-1] if self._pending else self._cut_off
        return None if watch is None else Pending(watch.phase, watch.hop(), self._earlier)

    def _cookies(self) -> list[tuple[str, str, str | None]]:
        return sorted((cookie.domain, cookie.name, cookie.value) for cookie in self._client.cookies.jar)

    async def _hop(self, request: WireRequest, *, fresh: bool) -> Answer:
        self.allow(request)
        watch = Stopwatch(request, self._lag)
        self._pending.append(watch)
        self._cut_off = None
        token = running.set(watch)
        try:
            answer = await self._asked(request, watch, fresh=fresh)
        except Exception as error:  # noqa: BLE001 whatever it is, it has a cause and a hop
            watch.stop()
            cause, reason = _told(error, watch)
            raise WireFailure(cause, redact(reason), watch.hop(), self._earlier) from None
        except BaseException:  # cancelled: `phase_now` tells what it was doing
            watch.freeze()
            self._cut_off = watch
            raise
        finally:
            running.reset(token)
            self._pending.remove(watch)
        return answer

    async def _asked(self, request: WireRequest, watch: Stopwatch, *, fresh: bool) -> Answer:
        from probes.wire.transport import FRESH

        given = {name.lower() for name, _ in request.headers}
        headers = [
            *request.headers,
            *((name, value) for name, value in self._headers if name.lower() not in given),
        ]
        outgoing = self._client.build_request(
            request.method,
            request.url,
            headers=[(name.encode(), value.encode()) for name, value in headers],
            content=request.body or None,
            extensions={FRESH: True} if fresh else {},
        )
        response = await self._client.send(outgoing, stream=True)
        try:
            body, cut = await _body(response)
            watch.stop()
        finally:
            await response.aclose()
        received = tuple((name.lower(), value) for name, value in response.headers.multi_items())
        hop = watch.hop(response.status_code, response.http_version)
        return Answer(response.status_code, received, body, (hop,), cut)


async def _body(response: httpx.Response) -> tuple[bytes, bool]:
    """The body, decoded, and whether it was cut off."""
    parts, size = [], 0
    async for part in response.aiter_bytes():
        parts.append(part)
        size += len(part)
        if size > LARGEST_BODY:
            return b"".join(parts)[:LARGEST_BODY], True
    return b"".join(parts), False


def _told(error: Exception, watch: Stopwatch) -> tuple[Cause, str]:
    """Whose fault it is, and what a person reads. Foreign errors end here."""
    import httpcore
    import httpx

    again = " on a reused connection" if watch.reused else ""
    match error:
        case Broken():
            return error.cause, f"{error.reason}{again if error.cause is Cause.HTTP else ''}"
        case httpcore.LocalProtocolError() | httpx.InvalidURL() | UnicodeError() | ValueError():
            return Cause.OURS, f"the request cannot be sent: {error}"
        case httpcore.RemoteProtocolError():
            return Cause.HTTP, f"{_protocol_trouble(str(error), watch)}{again}"
        case httpx.RemoteProtocolError():
            return Cause.HTTP, f"redirected to what is no URL: {error}"
        case httpx.DecodingError():
            return Cause.HTTP, f"the body is not encoded as it says: {error}"
        case httpcore.NetworkError() | OSError():
            return Cause.HTTP, f"connection lost: {error}{again}"
        case _:
            return Cause.OURS, f"our own fault: {type(error).__name__}: {error}"


def _protocol_trouble(said: str, watch: Stopwatch) -> str:
    where = watch.peer.address or "the server"
    if "without sending a response" in said:
        return f"{where} {'broke its answer off' if watch.heard else 'hung up without an answer'}"
    if "closed connection" in said or "incomplete" in said:
        return f"{where} broke its answer off: {said}"
    return f"{where} does not speak HTTP as it should: {said}"
