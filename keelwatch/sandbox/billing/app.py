"""The billing service: reads invoices from its region's PostgreSQL, and prices them on the primary."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import prometheus_client as prom
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from keelwatch.sandbox.billing.changes import Changes
from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.service import trace
from keelwatch.sandbox.service.database import Database
from keelwatch.sandbox.service.dribble import dribbled, slowness_s
from keelwatch.sandbox.service.log import Pseudonyms, RequestLog
from keelwatch.sandbox.service.metering import new_registry
from keelwatch.sandbox.service.strikes import ComponentFailure, Strikes

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0)
CODES = ("200", "503")
LOOK_SECONDS = 2.0
Act = Callable[[str], Awaitable[dict[str, object]]]
INVOICES = """
    select id, to_char(month, 'YYYY-MM'), amount_cents, state
    from invoices where account_id = %s order by month desc limit 24
"""


class Billing:
    def __init__(self, layout: Layout, region: str) -> None:
        self.region = region
        self.strikes = Strikes(layout.faults_file)
        self.database = Database(layout, region, f"billing-{region}", self.strikes, size=2)
        self.changes = Changes(region, self.database, self.strikes)
        self.pseudonyms = Pseudonyms(layout.passwords.pseudonym_key)
        self.log = RequestLog(layout.logs, f"{region}-billing")
        self.password = layout.passwords.billing
        self.registry = new_registry()
        self.requests = prom.Counter(
            "billing_requests", "Requests to billing", ["region", "code"], registry=self.registry
        )
        self.seconds = prom.Histogram(
            "billing_request_seconds", "Time per request", ["region"], registry=self.registry, buckets=BUCKETS
        )
        for code in CODES:
            self.requests.labels(region, code)
        self.seconds.labels(region)

    async def invoices(self, request: Request) -> Response:
        return await self._served(request, "billing-invoices", self._invoices)

    async def heed(self, request: Request) -> Response:
        return await self._served(request, "billing-changes", self._take_up)

    async def ready(self, request: Request) -> Response:
        """No customer's request: neither counted nor in the log."""
        status, body = await self._answer(request, self._look, "")
        slow_s = slowness_s(self.strikes, "billing", self.region)
        return dribbled(JSONResponse(body, status), slow_s)

    async def _served(self, request: Request, route: str, act: Act) -> Response:
        began = time.perf_counter()
        hop = trace.taken_over(request.headers.get(trace.HEADER))
        account = request.query_params.get("account", "")
        status, body = await self._answer(request, act, account)
        took_s = time.perf_counter() - began
        self.requests.labels(self.region, str(status)).inc()
        self.seconds.labels(self.region).observe(took_s)
        self.log.write(
            route=route,
            code=status,
            took_ms=round(took_s * 1000, 2),
            subject=self.pseudonyms.of(account),
            trace=hop.trace_id,
            span=hop.span,
            parent=hop.parent,
        )
        slow_s = slowness_s(self.strikes, "billing", self.region)
        return dribbled(JSONResponse(body, status), slow_s)

    async def _answer(self, request: Request, act: Act, account: str) -> tuple[int, dict[str, object]]:
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {self.password}".encode()):
            return 401, {"error": "unauthorized"}
        try:
            await self.strikes.at("billing", self.region)
            return 200, await act(account)
        except ComponentFailure as failure:
            return 503, {"error": "unavailable", "component": failure.component}

    async def _invoices(self, account: str) -> dict[str, object]:
        rows = await self.database.rows(INVOICES, account)
        names = ("id", "month", "amount_cents", "state")
        return {"invoices": [dict(zip(names, row, strict=True)) for row in rows]}

    async def _take_up(self, account: str) -> dict[str, object]:
        await self.changes.take_up(account)
        return {}

    async def _look(self, _account: str) -> dict[str, object]:
        await self.database.rows("select true")
        return {}

    async def keep_taking_up(self) -> None:
        """Never returns."""
        while True:
            await self.changes.take_up_missed()
            await asyncio.sleep(LOOK_SECONDS)

    async def metrics(self, _request: Request) -> Response:
        return PlainTextResponse(prom.generate_latest(self.registry).decode())


async def _healthy(_request: Request) -> Response:
    return PlainTextResponse("ok\n")


def make_app(layout: Layout, region: str) -> Starlette:
    billing = Billing(layout, region)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        looking = asyncio.create_task(billing.keep_taking_up())
        yield
        looking.cancel()
        await billing.database.close()

    routes = [
        Route("/invoices", billing.invoices),
        Route("/changes", billing.heed, methods=["POST"]),
        Route("/ready", billing.ready),
        Route("/metrics", billing.metrics),
        Route("/healthz", _healthy),
    ]
    return Starlette(routes=routes, lifespan=lifespan)
