"""Sends the visits. Arrivals follow the clock, never the answers."""

from __future__ import annotations

import asyncio
import ssl
import uuid
from collections.abc import Iterator

import httpx

from keelwatch.sandbox.customers.visits import Step, Visit
from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.portal.passwords import password_of
from keelwatch.sandbox.portal.routes import ROUTES

MOST_VISITS_AT_ONCE = 400
TIMEOUT = httpx.Timeout(10.0, connect=3.0)


class Crowd:
    def __init__(self, layout: Layout) -> None:
        self._client = httpx.AsyncClient(
            base_url=f"https://127.0.0.1:{layout.ports['edge-tls']}",
            verify=ssl.create_default_context(cafile=layout.ca_file),
            timeout=TIMEOUT,
            limits=httpx.Limits(max_connections=MOST_VISITS_AT_ONCE, max_keepalive_connections=20),
            trust_env=False,
        )
        self._inside: set[asyncio.Task[None]] = set()

    async def come(self, visits: Iterator[Visit]) -> None:
        """Never returns. A visit that finds the house full (the portal hangs) does not begin."""
        loop = asyncio.get_running_loop()
        due = loop.time()
        for visit in visits:
            due += visit.after_s
            await asyncio.sleep(max(0.0, due - loop.time()))
            if len(self._inside) < MOST_VISITS_AT_ONCE:
                task = asyncio.create_task(self._visit(visit))
                self._inside.add(task)
                task.add_done_callback(self._inside.discard)

    async def _visit(self, visit: Visit) -> None:
        headers = {"keelwatch-channel": visit.channel}
        for step in visit.steps:
            await asyncio.sleep(step.think_s)
            try:
                answer = await self._client.send(self._request(visit, step, headers))
            except httpx.HTTPError:
                return
            if step.route == "login" and answer.status_code == httpx.codes.OK:
                headers["authorization"] = f"Bearer {answer.json()['token']}"
            elif step.route == "login" or answer.status_code == httpx.codes.UNAUTHORIZED:
                return

    def _request(self, visit: Visit, step: Step, headers: dict[str, str]) -> httpx.Request:
        path = ROUTES[step.route].path
        match step.route:
            case "login":
                document = {"account": visit.account, "password": password_of(visit.account)}
                return self._client.build_request("POST", path, json=document, headers=headers)
            case "plan-change":
                keyed = headers | {"idempotency-key": str(uuid.uuid4())}
                return self._client.build_request("POST", path, json={"plan": step.subject}, headers=keyed)
            case "logout":
                return self._client.build_request("POST", path, headers=headers)
            case _:
                return self._client.build_request("GET", path.format(account=step.subject), headers=headers)
