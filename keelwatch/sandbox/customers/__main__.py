"""`python -m keelwatch.sandbox.customers FOLDER`, started by the supervisor."""

from __future__ import annotations

import asyncio
import signal
import sys
from pathlib import Path

from keelwatch.sandbox.customers.crowd import Crowd
from keelwatch.sandbox.customers.visits import visits
from keelwatch.sandbox.layout import load


async def come(folder: Path) -> None:
    layout = load(folder)
    crowd = Crowd(layout)
    coming = asyncio.create_task(crowd.come(visits(layout.seed, layout.requests_per_second)))
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, coming.cancel)
    await asyncio.wait({coming})


if __name__ == "__main__":
    asyncio.run(come(Path(sys.argv[1])))
