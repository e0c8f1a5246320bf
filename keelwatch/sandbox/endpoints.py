"""`endpoints.json`: where everything of a running sandbox is. A plain file, replaced atomically."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from keelwatch.sandbox.layout import write_private
from keelwatch.sandbox.processes import Process

SCHEMA = "keelwatch/sandbox-endpoints/1"


@dataclass(frozen=True, slots=True)
class Child:
    """One process of the sandbox; `start_ticks` tells it from a later one with the same pid."""

    name: str
    component: str
    region: str | None
    pid: int
    start_ticks: int

    @property
    def process(self) -> Process:
        return Process(self.pid, self.start_ticks)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """`started` and `backfill_until` are Unix times (s); history before the latter is backfilled.
    `accounts_file` holds the synthetic customers with their secrets (0600), `estate_file` how to administer
    the edge, databases and caches (0600, with passwords), `heartbeat_file` its writes and their fate."""

    name: str
    id: str
    boot_id: str
    state: str
    started: float
    backfill_until: float
    ca_file: str
    control: str
    accounts_file: str
    estate_file: str
    heartbeat_file: str
    urls: Mapping[str, str]
    ports: Mapping[str, int]
    processes: tuple[Child, ...]

    @property
    def supervisor(self) -> Child:
        return next(child for child in self.processes if child.name == "supervisor")

    def save(self, path: Path) -> None:
        document = {"schema": SCHEMA} | asdict(self)
        write_private(path, json.dumps(document, indent=1))


def load(path: Path) -> Endpoints | None:
    """None when there is no such file, or it is not one of ours."""
    try:
        document = json.loads(path.read_text())
        if document.pop("schema") != SCHEMA:
            return None
        children = tuple(Child(**child) for child in document.pop("processes"))
        return Endpoints(**document, processes=children)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def urls(ports: Mapping[str, int]) -> dict[str, str]:
    """The addresses people and adapters use. Everything under `https` is verified with the CA file."""
    return {
        "edge": f"https://127.0.0.1:{ports['edge-tls']}",
        "edge-plain": f"http://127.0.0.1:{ports['edge']}",
        "west-edge": f"https://127.0.0.1:{ports['west-edge']}",
        "east-edge": f"https://127.0.0.1:{ports['east-edge']}",
        "prometheus": f"http://127.0.0.1:{ports['prometheus']}",
        "mail": f"http://127.0.0.1:{ports['mail']}",
        "probes": f"http://127.0.0.1:{ports['probes']}",
    }
