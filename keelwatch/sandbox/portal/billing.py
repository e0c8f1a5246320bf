"""The portal's client of billing. Fails fast: a customer is told within a second at most, and at once while
the breaker is open.

Invoices have no fallback. What only wishes for billing goes on without it, and says so (`degraded`).
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, replace

import httpx

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.portal.breaker import Breaker
from keelwatch.sandbox.portal.call import Call, Reply
from keelwatch.sandbox.portal.metrics import Metrics
from keelwatch.sandbox.portal.sessions import Session
from keelwatch.sandbox.portal.trail import limit_of
from keelwatch.sandbox.service import trace
from keelwatch.sandbox.service.strikes import ComponentFailure

MOST = 24
CURRENCY = "EUR"
TIMEOUT_S = 1.0
WISH_S = 0.4  # whoever goes on without it waits less, and is no measure of how slow it is
CONNECT_S = 0.3
SERVICE = "billing"
DEGRADED = "keelwatch-degraded"
Told = dict[str, list[dict[str, object]]]


@dataclass(frozen=True, slots=True)
class Answer:
    """`told` is None when there is no good one; `is_late` when it was waited for until the timeout."""

    told: Told | None
    is_late: bool = False


class Billing:
    def __init__(self, layout: Layout, region: str, metrics: Metrics) -> None:
        self._metrics = metrics
        self._breaker = Breaker()
        self._opened = asyncio.Event()
        self._client = httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{layout.ports[f'{region}-billing']}",
            headers={"authorization": f"Bearer {layout.passwords.billing}"},
            limits=httpx.Limits(max_connections=20, max_keepalive_connections=4),
            trust_env=False,
        )

    async def invoices(self, call: Call, session: Session) -> Reply:
        """Version 1. Raises `ComponentFailure`."""
        return Reply({"invoices": await self.read(call, session)})

    async def items(self, call: Call, session: Session) -> Reply:
        """Version 2, the newest `limit` of them. Raises `Refusal` (400) and `ComponentFailure`."""
        limit = limit_of(call, MOST)
        return Reply(
            {"items": [_item(row) for row in (await self.read(call, session))[:limit]], "next": None}
        )

    async def read(self, call: Call, session: Session) -> list[dict[str, object]]:
        """Raises `ComponentFailure` when billing fails, is away, takes longer than a second, or did so again
        and again a moment ago."""
        return (await self._ask(call, "GET", "/invoices", session.account)).get("invoices", [])

    async def owed_cents(self, call: Call, session: Session) -> int | None:
        """The sum of the open invoices; None when billing cannot tell now."""
        try:
            told = await self._ask(call, "GET", "/invoices", session.account, WISH_S)
        except ComponentFailure:
            return None
        return sum(int(str(row["amount_cents"])) for row in told["invoices"] if row["state"] == "open")

    async def heed_changes(self, call: Call, account: str) -> bool:
        """Have billing take up the account's plan changes now; False when it will find them later."""
        try:
            await self._ask(call, "POST", "/changes", account, WISH_S)
        except ComponentFailure:
            return False
        return True

    async def _ask(
        self, call: Call, method: str, path: str, account: str, within_s: float = TIMEOUT_S
    ) -> Told:
        """Through the breaker. Raises `ComponentFailure`."""
        if not self._breaker.lets_through:
            raise ComponentFailure(SERVICE)
        answer = await self._send(method, path, account, call.trace.header, within_s)
        if answer.told is None:
            was_slow = answer.is_late and within_s >= TIMEOUT_S
            self._breaker.failed(time.monotonic(), was_slow=was_slow)
            self._show()
            raise ComponentFailure(SERVICE)
        self._breaker.succeeded()
        return answer.told

    async def _send(
        self, method: str, path: str, account: str, hop: str, within_s: float = TIMEOUT_S
    ) -> Answer:
        """Never by cancelling: a pool of connections may not survive that. httpx's own timeout is between two
        bytes, so a body that dribbles is given up between two of its parts."""
        gives_up_at = time.monotonic() + within_s
        body = b""
        try:
            async with self._client.stream(
                method,
                path,
                params={"account": account},
                headers={trace.HEADER: hop},
                timeout=httpx.Timeout(within_s, connect=CONNECT_S, pool=CONNECT_S),
            ) as answer:
                async for part in answer.aiter_bytes():
                    body += part
                    if time.monotonic() > gives_up_at:
                        return Answer(None, is_late=True)
            return Answer(json.loads(body) if answer.status_code == httpx.codes.OK else None)
        except httpx.TimeoutException:
            return Answer(None, is_late=True)
        except (httpx.HTTPError, ValueError):
            return Answer(None)

    def _show(self) -> None:
        self._metrics.show_breaker(SERVICE, self._breaker.state)
        if not self._breaker.lets_through:
            self._opened.set()

    async def keep_probing(self) -> None:
        """While the breaker is open, try billing in the customers' stead. Never returns."""
        while True:
            await self._opened.wait()
            await asyncio.sleep(self._breaker.rest_left_s(time.monotonic()))
            if not self._breaker.begin_probe(time.monotonic()):
                continue
            self._show()
            answer = await self._send("GET", "/ready", "", trace.taken_over(None).header)
            self._breaker.end_probe(time.monotonic(), succeeded=answer.told is not None)
            if self._breaker.lets_through:
                self._opened.clear()
            self._show()

    def degraded(self, reply: Reply, route: str) -> Reply:
        """`reply` as one that was given without billing."""
        self._metrics.count_degraded(route)
        body = reply.body
        if not isinstance(body, str):
            body = {**body, "degraded": [SERVICE]}
        return replace(reply, body=body, headers={**reply.headers, DEGRADED: SERVICE})

    async def close(self) -> None:
        await self._client.aclose()


def _item(row: Mapping[str, object]) -> dict[str, object]:
    amount = {"cents": row["amount_cents"], "currency": CURRENCY}
    return {"id": row["id"], "month": row["month"], "amount": amount, "state": row["state"]}
