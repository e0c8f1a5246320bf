"""`python -m keelwatch.sandbox.links FOLDER`, started by the supervisor."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from keelwatch.sandbox.layout import load
from keelwatch.sandbox.links.link import Link
from keelwatch.sandbox.links.mode import Weather
from keelwatch.sandbox.ports import REGIONS, SERVICES, other

LOOK_SECONDS = 0.04


async def run(folder: Path) -> None:
    """Until TERM."""
    layout = load(folder)
    weather = Weather(layout.faults_file)
    links = []
    for region in REGIONS:
        for service in SERVICES:
            there = other(region)
            own, target = layout.ports[f"{region}-{there}-{service}"], layout.ports[f"{there}-{service}"]
            links.append(Link(weather, region, own, target))
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    while not ended.is_set():
        for link in links:
            link.look()
        await asyncio.sleep(LOOK_SECONDS)
    for link in links:
        link.close()


if __name__ == "__main__":
    asyncio.run(run(Path(sys.argv[1])))
