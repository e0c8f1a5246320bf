"""httpx's way to our sockets: one list of idle connections, for one execution of a journey.

Not httpcore's pool: cancelled requests leave connections in it that nobody can use again (httpcore#1093),
and a total deadline is a cancellation. A connection here belongs to one request until its answer was read.
"""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator

import httpcore
import httpx

from probes.wire.network import Network, Stream

KEEP_IDLE_S = 2.0  # servers give up idle connections after 5 s and more: a race that we stay out of
FRESH = "fresh"  # the request's extension: on a new connection


class Connections(httpx.AsyncBaseTransport):
    def __init__(self, network: Network, context: ssl.SSLContext) -> None:
        self._network = network
        self._context = context
        self._idle: list[httpcore.AsyncHTTPConnection] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        assert isinstance(request.stream, httpx.AsyncByteStream)
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=request.url.raw_scheme,
                host=request.url.raw_host,
                port=request.url.port,
                target=request.url.raw_path,
            ),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        connection = await self._taken(asked.url.origin, fresh=FRESH in request.extensions)
        try:
            answer = await connection.handle_async_request(asked)
        except BaseException:
            await connection.aclose()
            raise
        body = _Body(answer, connection, self._idle)
        return httpx.Response(
            answer.status, headers=answer.headers, stream=body, extensions=answer.extensions
        )

    async def aclose(self) -> None:
        for connection in self._idle:
            await connection.aclose()
        self._idle.clear()

    async def _taken(self, origin: httpcore.Origin, *, fresh: bool) -> httpcore.AsyncHTTPConnection:
        """An idle connection, which is no longer in the list, or a new one."""
        for connection in list(self._idle):
            if connection.is_closed() or connection.has_expired():
                self._idle.remove(connection)
                await connection.aclose()
        if not fresh:
            for connection in self._idle:
                if connection.can_handle_request(origin) and connection.is_available():
                    self._idle.remove(connection)
                    return connection
        return httpcore.AsyncHTTPConnection(
            origin, ssl_context=self._context, keepalive_expiry=KEEP_IDLE_S, network_backend=self._network
        )


class _Body(httpx.AsyncByteStream):
    """The answer's body; at its end the connection is idle, before it the connection is of no more use."""

    def __init__(
        self,
        answer: httpcore.Response,
        connection: httpcore.AsyncHTTPConnection,
        idle: list[httpcore.AsyncHTTPConnection],
    ) -> None:
        self._answer = answer
        self._connection: httpcore.AsyncHTTPConnection | None = connection
        self._idle = idle

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._answer.aiter_stream():
            yield part

    async def aclose(self) -> None:
        connection, self._connection = self._connection, None
        if connection is None:
            return
        await self._answer.aclose()
        if connection.is_available() and not connection.has_expired() and not self._goes_on():
            self._idle.append(connection)
        else:
            await connection.aclose()

    def _goes_on(self) -> bool:
        """More came than `Content-Length` said: it would be taken for the beginning of the next answer."""
        stream = self._answer.extensions["network_stream"]
        lengths = [int(value) for name, value in self._answer.headers if name.lower() == b"content-length"]
        return isinstance(stream, Stream) and bool(lengths) and stream.body_bytes > lengths[0]
