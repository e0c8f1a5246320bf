"""One portal worker: its routes, and what happens around each request."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.portal.accounts import Accounts
from keelwatch.sandbox.portal.audit import Audit
from keelwatch.sandbox.portal.billing import Billing
from keelwatch.sandbox.portal.call import Call, Refusal, Reply
from keelwatch.sandbox.portal.identity import Identity
from keelwatch.sandbox.portal.metrics import Metrics
from keelwatch.sandbox.portal.routes import ROUTES
from keelwatch.sandbox.portal.store import Store
from keelwatch.sandbox.service import trace
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.log import Pseudonyms, RequestLog
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

Handler = Callable[[Call], Awaitable[Reply]]


class Worker:
    """Everything one worker process holds."""

    def __init__(self, layout: Layout, name: str) -> None:
        self.name = name
        self.region = name.partition("-")[0]
        self.strikes = Strikes(layout.faults_file)
        self.metrics = Metrics(self.region)
        self.log = RequestLog(layout.logs, name)
        self.database = Database(layout, self.region, name, self.strikes, size=4)
        self.store = Store(layout, self.region, self.strikes)
        self.audit = Audit(self.database, self.metrics)
        names = Pseudonyms(layout.passwords.pseudonym_key)
        self.identity = Identity(self.region, self.database, self.store, self.audit, names, self.strikes)
        self.accounts = Accounts(self.database, self.store, self.audit, self.metrics, self.strikes)
        self.billing = Billing(layout, self.region)

    def handlers(self) -> dict[str, Handler]:
        return {
            "login": lambda call: self.identity.login(call, time.time()),
            "session": lambda call: self.identity.show(call, time.time()),
            "lookup": self._lookup,
            "invoices": self._invoices,
            "plan-change": self._plan_change,
            "logout": self.identity.logout,
        }

    async def _lookup(self, call: Call) -> Reply:
        return await self.accounts.look_up(call, await self.identity.session_of(call))

    async def _invoices(self, call: Call) -> Reply:
        return await self.billing.invoices(call, await self.identity.session_of(call))

    async def _plan_change(self, call: Call) -> Reply:
        return await self.accounts.change_plan(call, await self.identity.session_of(call))

    def endpoint(self, route: str, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
        """`handler` with faults, counting, tracing and the log around it."""

        async def answer(request: Request) -> Response:
            began = time.perf_counter()
            call = Call.of(request)
            reply = await self._attempt(call, handler)
            self._record(route, call, reply, time.perf_counter() - began)
            headers = {trace.HEADER: call.trace.header, "keelwatch-region": self.region}
            return JSONResponse(dict(reply.body), reply.status, headers | dict(reply.headers))

        return answer

    async def _attempt(self, call: Call, handler: Handler) -> Reply:
        try:
            await self.strikes.at("portal", self.region)
            return await handler(call)
        except Refusal as refusal:
            return Reply({"error": refusal.reason}, refusal.status)
        except ComponentFailure as failure:
            return Reply({"error": "unavailable", "component": failure.component}, failure.status)
        except ClientDisconnect:
            return Reply({}, 499)
        except Exception as error:  # noqa: BLE001 whatever it is, it is an answer 500 and must be counted
            self.log.write(error=type(error).__name__, trace=call.trace.trace_id)
            return Reply({"error": "internal"}, 500)

    def _record(self, route: str, call: Call, reply: Reply, took_s: float) -> None:
        self.metrics.count(
            route,
            code=reply.status,
            segment=call.segment,
            channel=call.channel,
            traffic=call.traffic,
            took_s=took_s,
        )
        self.log.write(
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
        return PlainTextResponse(self.metrics.exposition())

    @asynccontextmanager
    async def living(self, _app: Starlette) -> AsyncIterator[None]:
        flushing = asyncio.create_task(self.audit.keep_flushing())
        yield
        flushing.cancel()
        await self.audit.flush()
        await asyncio.gather(self.billing.close(), self.store.close(), self.database.close())


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def make_app(layout: Layout, name: str) -> Starlette:
    worker = Worker(layout, name)
    handlers = worker.handlers()
    routes = [
        Route(route.path, worker.endpoint(name, handlers[name]), methods=[route.method])
        for name, route in ROUTES.items()
    ]
    routes += [Route("/metrics", worker.exposition), Route("/healthz", _healthy)]
    return Starlette(routes=routes, lifespan=worker.living)
