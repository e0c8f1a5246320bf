"""`python -m keelwatch.sandbox.crm FOLDER`, started by the supervisor."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

import prometheus_client as prom

from keelwatch.sandbox.crm.consumer import Consumer
from keelwatch.sandbox.crm.metering import Meters
from keelwatch.sandbox.crm.relay import Relay
from keelwatch.sandbox.layout import load


async def run(folder: Path) -> None:
    """Until TERM. Whatever is away meanwhile is tried again."""
    layout = load(folder)
    meters = Meters()
    server, _ = prom.start_http_server(layout.ports["crm"], "127.0.0.1", meters.registry)
    working = asyncio.gather(Relay(layout, meters).work(), Consumer(layout, meters).work())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, working.cancel)
    await asyncio.wait({working})
    server.shutdown()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
