"""One portal worker: its routes, and what happens around each request."""

from __future__ import annotations

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.portal.call import Call, Refusal, Reply
from keelwatch.sandbox.portal.closing import closed
from keelwatch.sandbox.portal.handlers import Handler, handlers_of
from keelwatch.sandbox.portal.html import page
from keelwatch.sandbox.portal.parts import Parts
from keelwatch.sandbox.portal.routes import EVERY, SHOWN
from keelwatch.sandbox.service import trace
from keelwatch.sandbox.service.dribble import dribbled, slowness_s
from keelwatch.sandbox.service.strikes import ComponentFailure

# Version 1 still answers, and says until when (RFC 8594; `Deprecation` as most clients know it).
LEGACY = {"deprecation": "true", "sunset": "Sat, 30 Jun 2029 23:59:59 GMT"}
UNAVAILABLE = "This does not work at the moment. Please try again in a minute."


class Worker:
    """Everything one worker process does around its handlers."""

    def __init__(self, layout: Layout, name: str) -> None:
        self.parts = Parts(layout, name)
        self.region = self.parts.region

    def endpoint(self, route: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """`handler` with faults, counting, tracing and the log around it; `route` is of the route table."""
        about = LEGACY if EVERY[route].version == "v1" else {}

        async def answer(request: Request) -> Response:
            began = time.perf_counter()
            call = Call.of(request)
            reply = await self._attempt(call, route, handler)
            slow_s = slowness_s(self.parts.strikes, "portal", self.region)
            self._record(route, call, reply, time.perf_counter() - began + slow_s)
            headers = {trace.HEADER: call.trace.header, "keelwatch-region": self.region}
            return dribbled(_response(reply, {**headers, **about, **reply.headers}), slow_s)

        return answer

    async def _attempt(self, call: Call, route: str, handler: Handler) -> Reply:
        try:
            await self.parts.strikes.at("portal", self.region)
            shut = closed(route, self.region, self.parts.switches)
            if shut is not None:
                reply = _refused(call, route, shut.status, {"error": shut.error}, shut.words)
                return replace(reply, headers={**reply.headers, **shut.headers})
            return await handler(call)
        except Refusal as refusal:
            return _refused(call, route, refusal.status, {"error": refusal.reason}, refusal.reason)
        except ComponentFailure as failure:
            document = {"error": "unavailable", "component": failure.component}
            return _refused(call, route, failure.status, document, UNAVAILABLE)
        except ClientDisconnect:
            return Reply({}, 499)
        except Exception as error:  # noqa: BLE001 whatever it is, it is an answer 500 and must be counted
            where = traceback.extract_tb(error.__traceback__)[-1]  # its words may hold what is a customer's
            place = f"{where.filename}:{where.lineno}"
            self.parts.log.write(error=type(error).__name__, at_line=place, trace=call.trace.trace_id)
            return _refused(call, route, 500, {"error": "internal"}, UNAVAILABLE)

    def _record(self, route: str, call: Call, reply: Reply, took_s: float) -> None:
        self.parts.metrics.count(
            route,
            code=reply.status,
            segment=call.segment,
            channel=call.channel,
            traffic=call.traffic,
            took_s=took_s,
        )
        self.parts.log.write(
            route=route,
            code=reply.status,
            took_ms=round(took_s * 1000, 2),
            subject=call.subject,
            segment=call.segment,
            channel=call.channel,
            traffic=call.traffic,
            trace=call.trace.trace_id,
            span=call.trace.span,
            parent=call.trace.parent,
        )

    async def exposition(self, _request: Request) -> Response:
        return PlainTextResponse(self.parts.metrics.exposition())

    @asynccontextmanager
    async def living(self, _app: Starlette) -> AsyncIterator[None]:
        beside = [
            asyncio.create_task(self.parts.audit.keep_flushing()),
            asyncio.create_task(self.parts.billing.keep_probing()),
            asyncio.create_task(self.parts.store.keep_asking()),
        ]
        yield
        for task in beside:
            task.cancel()
        await self.parts.close()


def _refused(call: Call, route: str, status: int, document: Mapping[str, object], words: str) -> Reply:
    """To people a page, to programs JSON."""
    if route not in SHOWN or call.is_json:
        return Reply(document, status)
    return page("message.html", status, heading="That did not work", text=words)


def _response(reply: Reply, headers: dict[str, str]) -> Response:
    """A JSON object, or a page; with the cookies that no script of a page can read."""
    response: Response
    match reply.body:
        case str():
            response = HTMLResponse(reply.body, reply.status, headers)
        case _:
            response = JSONResponse(dict(reply.body), reply.status, headers)
    for cookie in reply.cookies:
        response.set_cookie(
            cookie.name,
            cookie.value,
            max_age=cookie.seconds,
            path=cookie.path,
            secure=True,
            httponly=True,
            samesite="lax",
        )
    return response


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def make_app(layout: Layout, name: str) -> Starlette:
    worker = Worker(layout, name)
    handlers = handlers_of(worker.parts)
    routes = [
        Route(route.path, worker.endpoint(key, handlers[key]), methods=[route.method])
        for key, route in EVERY.items()
    ]
    routes += [Route("/metrics", worker.exposition), Route("/healthz", _healthy)]
    return Starlette(routes=routes, lifespan=worker.living)
