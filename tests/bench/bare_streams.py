"""The plainest client there is, on asyncio streams: what clocks without correction read beside ours."""

from __future__ import annotations

import asyncio
import json
import ssl
import time

from tests.bench.truth_portal import PASSWORD
from tests.bench.truth_server import RECEIVED, SENT, Truth


def errors_ms(truth: Truth, in_flight: int, seconds: float) -> list[float]:
    """|reported - true| of every wait, with so many customers asking at once."""
    return asyncio.run(_all(truth, in_flight, seconds))


async def _all(truth: Truth, in_flight: int, seconds: float) -> list[float]:
    context = ssl.create_default_context(cafile=truth.ca)
    until = time.monotonic() + seconds
    customers = (_customer(truth, context, f"bare-{number}", until) for number in range(in_flight))
    return [error for errors in await asyncio.gather(*customers) for error in errors]


async def _customer(truth: Truth, context: ssl.SSLContext, account: str, until: float) -> list[float]:
    reader, writer = await asyncio.open_connection("127.0.0.1", truth.port, ssl=context)
    body = json.dumps({"account": account, "password": PASSWORD})
    login = f"POST /v1/login HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    look = f"GET /invoices HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer token-of-{account}\r\n\r\n"
    errors = [await _error_ms(reader, writer, login)]
    while time.monotonic() < until:
        errors.append(await _error_ms(reader, writer, look))
    writer.close()
    return errors


async def _error_ms(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: str) -> float:
    writer.write(request.encode())
    sent = time.monotonic()
    head = (await reader.readuntil(b"\r\n\r\n")).decode()
    reported_s = time.monotonic() - sent
    headers = dict(line.split(": ", 1) for line in head.splitlines() if ": " in line)
    await reader.readexactly(int(headers["Content-Length"]))
    return abs(reported_s - (float(headers[SENT]) - float(headers[RECEIVED]))) * 1000
