"""A running sandbox as the tests use it: requests through its edge, and questions to its Prometheus."""

from __future__ import annotations

import json
import os
import ssl
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg

from keelwatch.sandbox import Endpoints
from keelwatch.sandbox.layout import load
from keelwatch.sandbox.ports import WORKERS


@dataclass(frozen=True, slots=True)
class RunningSandbox:
    """`state` is the KEELWATCH_STATE under which the sandbox `name` runs."""

    name: str
    state: Path
    first: Endpoints

    @property
    def folder(self) -> Path:
        return self.state / "sandbox" / self.name

    def pid(self, server: str) -> int:
        """As `endpoints.json` tells now: a restarted server has another one."""
        document = json.loads((self.folder / "endpoints.json").read_text())
        return next(int(child["pid"]) for child in document["processes"] if child["name"] == server)

    def trusting(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.first.ca_file)

    @contextmanager
    def customer(self, account: str = "c09901", edge: str = "edge") -> Iterator[httpx.Client]:
        """A client with a session, counted as probe traffic."""
        headers = {"keelwatch-traffic": "probe"}
        url = self.first.urls[edge]
        with httpx.Client(base_url=url, verify=self.trusting(), headers=headers, timeout=10) as client:
            answer = client.post("/v1/login", json={"account": account, "password": f"pw-{account}"})
            answer.raise_for_status()
            client.headers["authorization"] = f"Bearer {answer.json()['token']}"
            yield client

    def conninfo(self, region: str) -> str:
        return load(self.folder).conninfo(region, "test")

    def query(self, promql: str) -> dict[tuple[str, ...], float]:
        """Values by label values (in the order of the labels' names)."""
        url = f"{self.first.urls['prometheus']}/api/v1/query"
        answer = httpx.post(url, data={"query": promql}, timeout=10, trust_env=False)
        answer.raise_for_status()
        return {
            tuple(value for _, value in sorted(row["metric"].items())): float(row["value"][1])
            for row in answer.json()["data"]["result"]
        }

    def serves(self) -> bool:
        """Whether every worker of both regions reads and writes, and the standby has what was written."""
        try:
            for edge in ("west-edge", "east-edge"):
                with self.customer(edge=edge) as client:
                    for _ in WORKERS:  # the edge takes them in turn
                        if not _answers(client):
                            return False
        except httpx.HTTPError:
            return False
        return self.is_streaming()

    def is_streaming(self) -> bool:
        try:
            with (
                psycopg.connect(self.conninfo("west")) as west,
                psycopg.connect(self.conninfo("east")) as east,
            ):
                now = west.execute("select pg_current_wal_lsn()").fetchone()
                there = east.execute("select pg_last_wal_receive_lsn() >= %s", now).fetchone()
        except psycopg.Error:
            return False
        return there == (True,)


def _answers(client: httpx.Client) -> bool:
    """Each request twice, so that two workers behind one edge both get it."""
    reads = [client.get(path) for path in ("/v1/session", "/v1/accounts/me", "/v1/invoices") for _ in WORKERS]
    writes = [
        client.post("/v1/plan", json={"plan": "basic"}, headers={"idempotency-key": uuid.uuid4().hex})
        for _ in WORKERS
    ]
    return all(answer.status_code == httpx.codes.OK for answer in [*reads, *writes])


def marked_processes(identity: str) -> list[int]:
    """Pids of all live processes whose environment names the sandbox `identity`."""
    wanted = f"KEELWATCH_SANDBOX={identity}".encode()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                if wanted in (entry / "environ").read_bytes().split(b"\0"):
                    found.append(int(entry.name))
            except OSError:
                continue
    return found
