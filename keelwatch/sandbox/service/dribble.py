"""The fault `slow-body`: headers at once, and then the body in drops."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from starlette.responses import Response, StreamingResponse

from keelwatch.sandbox.service.strikes import Strikes

DROPS = 20


def slowness_s(strikes: Strikes, component: str, region: str) -> float:
    """How long a body is to take now."""
    found = [fault.amount for fault in strikes.active(component, region) if fault.kind == "slow-body"]
    return max(found, default=0.0)


def dribbled(response: Response, takes_s: float) -> Response:
    """`response`, whose body takes so long; as it is for 0 s."""
    body = bytes(response.body)
    if not takes_s or not body:
        return response
    size = -(-len(body) // DROPS)
    drops = [body[start : start + size] for start in range(0, len(body), size)]

    async def fall() -> AsyncIterator[bytes]:
        for drop in drops:
            await asyncio.sleep(takes_s / len(drops))
            yield drop

    slow = StreamingResponse(fall(), response.status_code)
    slow.raw_headers = response.raw_headers  # with the length, and each cookie
    return slow
