"""A journey's requests by Locust's fast client. Its methods are coroutines, as those of a probe's wire are,
but none of them ever waits for a loop: `driven` runs them to their end."""

from __future__ import annotations

import ssl
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any, cast

from locust.contrib.fasthttp import FastHttpSession, ResponseContextManager
from locust.env import Environment

from keelwatch.workspace.errors import InternalError
from loadtests.worker.process import LATE, STEP, told_of
from probes.answer import LARGEST_BODY, Answer
from probes.record import Cause, Hop
from probes.wire import Following, WireFailure, WireRequest
from probes.wire.request import Host
from probes.wire.trust import Trust

TIMEOUT_S = 60.0


def driven[Found](coroutine: Coroutine[Any, Any, Found]) -> Found:
    try:
        coroutine.send(None)
    except StopIteration as done:
        found: Found = done.value
        return found
    coroutine.close()
    raise InternalError("a coroutine of a load waited for an event loop")


class LoadWire(Following):
    """Cookies and connections of one customer. What Locust is told of a request waits until its step is
    judged: only then is it known whether the answer was a good one."""

    def __init__(self, environment: Environment, base: str, ca: Path | None, hosts: frozenset[Host]) -> None:
        super().__init__(hosts)
        self._session = FastHttpSession(
            base_url=base,
            request_event=environment.events.request,
            user=None,
            insecure=False,
            # it is offered a bundle of its own authorities; to read one takes longer than many a request
            ssl_context_factory=lambda cafile=None: Trust.of(ca).context,  # noqa: ARG005
            network_timeout=TIMEOUT_S,
            connection_timeout=TIMEOUT_S,
            max_retries=0,
            concurrency=50,
        )
        self._session.client.redirect_response_codes = frozenset()  # type: ignore[misc]  # as Locust sets it
        self._waiting: list[ResponseContextManager] = []
        self._sent: tuple[str, str, float] | None = None
        self.name = ""
        self.late_ms = 0.0
        self.has_failed = False

    def judged(self, error: str) -> None:
        """Tell Locust of the requests since it was last told; the last one failed with `error`, if any."""
        waiting, self._waiting = self._waiting, []
        self.has_failed |= bool(waiting and error)
        for one in waiting:
            is_last = one is waiting[-1]
            if is_last and error:
                one.failure(error)
            elif is_last or 0 < one.status_code < 400:
                one.success()
            else:
                one.failure(f"status {one.status_code}")
            one.__exit__(None, None, None)

    def cut_off(self, why: str) -> None:
        """A deadline struck: the request without an answer, or where there is none the last one, has failed,
        and Locust hears of it as of any that did."""
        self.judged("" if self._sent is not None else why)
        if self._sent is not None:
            method, url, began = self._sent
            self._sent = None
            self.has_failed = True
            self._session.request_event.fire(
                request_type=method,
                name=self.name,
                response_time=(time.perf_counter() - began) * 1000,
                response_length=0,
                exception=TimeoutError(why),
                context={STEP: True},
                response=None,
                start_time=time.time(),
                url=url,
            )

    def close(self) -> None:
        self._session.client.close()

    def _cookies(self) -> list[tuple[str, str, str | None]]:
        return sorted((cookie.domain, cookie.name, cookie.value) for cookie in self._session.cookiejar)

    async def _hop(self, request: WireRequest, *, fresh: bool) -> Answer:
        self.allow(request)
        if fresh:
            self._session.client.close()
        began = time.perf_counter()
        self._sent = (request.method, request.url, began)
        late_ms, self.late_ms = self.late_ms, 0.0
        response = self._session.request(
            request.method,
            request.url,
            name=self.name,
            data=cast("Any", request.body or None),  # the agent below takes bytes
            headers=dict(request.headers),
            catch_response=True,
            context={LATE: late_ms, STEP: True},
        )
        self._sent = None
        response.__enter__()
        self._waiting.append(response)
        took_ms = (time.perf_counter() - began) * 1000
        hop = Hop(request.method, request.url, response.status_code, {"wait": took_ms})
        if not response.status_code:
            error = (
                response.request_meta["exception"] or getattr(response, "error", None) or OSError("no answer")
            )
            raise WireFailure(_cause(error), f"{type(error).__name__}: {told_of(error)}", hop)
        received = tuple((name.lower(), value) for name, value in (response.headers or {}).items())
        body = response.content or b""
        return Answer(response.status_code, received, body[:LARGEST_BODY], (hop,), len(body) > LARGEST_BODY)


def _cause(error: BaseException | None) -> Cause:
    match error:
        case ssl.SSLError():
            return Cause.TLS
        case ConnectionRefusedError():
            return Cause.TCP
        case _:
            return Cause.HTTP
