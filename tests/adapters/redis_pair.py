"""A real Redis primary in the west and its replica in the east."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import redis

from tests.adapters.estate import REGIONS, Estate, written
from tests.adapters.processes import start, stop, until
from tests.adapters.prometheus_server import free_port

PASSWORD = "made-up-for-redis"
CONFIGURATION = """\
bind 127.0.0.1
port {port}
save ""
appendonly no
requirepass {password}
masterauth {password}
repl-diskless-sync yes
repl-diskless-sync-delay 0
repl-diskless-load swapdb
"""


@dataclass
class Caches:
    """`estate` as verbs find it. Servers are named by their region."""

    folder: Path
    ports: dict[str, int]
    estate: Estate
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def client(self, region: str) -> redis.Redis:
        return redis.Redis(
            port=self.ports[region], password=PASSWORD, decode_responses=True, socket_timeout=5
        )

    def info(self, region: str) -> dict[str, object]:
        with self.client(region) as client:
            told: dict[str, object] = client.info("replication")
        return told

    def start(self, region: str) -> None:
        file = self.folder / f"{region}.conf"
        if not file.exists():  # a restart finds what the server itself wrote there
            file.write_text(CONFIGURATION.format(port=self.ports[region], password=PASSWORD))
        argv = ["env", "-C", str(self.folder), "redis-server", file.name]
        self.processes[region] = start(argv, self.folder / f"{region}.log")
        until(lambda: self.answers(region), f"Redis of {region}")

    def answers(self, region: str) -> bool:
        try:
            return bool(self.info(region))
        except redis.RedisError:
            return False

    def follow(self, region: str, primary: str) -> None:
        with self.client(region) as client:
            client.replicaof("127.0.0.1", self.ports[primary])
        until(lambda: self.info(region).get("master_link_status") == "up", f"{region} linked")

    def kill(self, region: str) -> None:
        self.processes[region].kill()
        self.processes[region].wait(20)


@contextmanager
def running_caches(folder: Path) -> Iterator[Caches]:
    ports = {region: free_port() for region in REGIONS}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "secret").write_text(PASSWORD)
    regions = {region: {"host": "127.0.0.1", "port": port} for region, port in ports.items()}
    estate = written(folder, cache={"password": "file:secret", "regions": regions})
    caches = Caches(folder, ports, estate)
    try:
        for region in REGIONS:
            caches.start(region)
        caches.follow("east", "west")
        yield caches
    finally:
        for process in caches.processes.values():
            stop(process)
