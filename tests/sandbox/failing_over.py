"""A failover by hand, the way an administrator does it: with the servers' own words, over `estate.json`."""

from __future__ import annotations

import json
import os
import socket
import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
from redis import Redis

from keelwatch.adapters import sandbox as control
from keelwatch.sandbox.ports import other
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

NAME = "tests"


@dataclass(frozen=True, slots=True)
class Estate:
    """The sandbox as its administrators see it."""

    sandbox: RunningSandbox
    document: dict[str, Any]

    def conninfo(self, region: str, start: str | None = None) -> str:
        """`start`: over the link from there."""
        database = self.document["database"]
        port = database["regions"][region]["port"]
        if start is not None:
            port = self.sandbox.first.ports[f"{start}-{region}-postgres"]
        return (
            f"host=127.0.0.1 port={port} user={database['user']} password={database['password']} "
            f"dbname={database['name']} connect_timeout=3"
        )

    def sql(self, region: str, statement: LiteralString, *values: object) -> Any:
        """The first value that `region`'s PostgreSQL answers."""
        with psycopg.connect(self.conninfo(region), autocommit=True) as connection:
            cursor = connection.execute(statement, values or None)
            row = cursor.fetchone() if cursor.description else None
        return row[0] if row else None

    def redis(self, region: str, start: str | None = None) -> Redis:
        cache = self.document["cache"]
        port = cache["regions"][region]["port"]
        if start is not None:
            port = self.sandbox.first.ports[f"{start}-{region}-redis"]
        return Redis(
            host="127.0.0.1",
            port=port,
            password=cache["password"],
            socket_timeout=3,
            socket_connect_timeout=3,
        )

    def edge(self, command: str) -> str:
        """One line to HAProxy's administrator's socket."""
        path = Path(self.document["edge"]["socket"])
        folder = os.open(
            path.parent, os.O_PATH
        )  # the path itself may be longer than the 107 characters allowed
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.connect(f"/proc/self/fd/{folder}/{path.name}")
                client.sendall(command.encode() + b"\n")
                return b"".join(iter(lambda: client.recv(65_536), b"")).decode()
        finally:
            os.close(folder)

    # the steps of a failover

    def primaries(self) -> set[str]:
        """The regions whose PostgreSQL is no standby, fenced or not."""
        return {region for region in ("west", "east") if not self.sql(region, "select pg_is_in_recovery()")}

    def writable(self) -> set[str]:
        """The regions whose PostgreSQL takes writes."""
        fenced = "select current_setting('default_transaction_read_only') = 'on'"
        return {region for region in self.primaries() if not self.sql(region, fenced)}

    def fence(self, region: str) -> str:
        """No more writes there; returns the LSN of the last one."""
        self.sql(region, "alter system set default_transaction_read_only = on")
        self.sql(region, "select pg_reload_conf()")
        self.sql(
            region,
            "select count(pg_terminate_backend(pid)) from pg_stat_activity "
            "where backend_type = 'client backend' and pid <> pg_backend_pid()",
        )
        return str(self.sql(region, "select pg_current_wal_insert_lsn()::text"))

    def unfence(self, region: str) -> None:
        self.sql(region, "alter system reset default_transaction_read_only")
        self.sql(region, "select pg_reload_conf()")

    def promote(self, region: str, *, at_least: str = "0/0") -> None:
        """PostgreSQL, once it has replayed `at_least`, and Redis."""
        until(lambda: self.sql(region, "select pg_last_wal_replay_lsn() >= %s::pg_lsn", at_least))
        assert self.sql(region, "select pg_promote(true, 20)")
        with self.redis(region) as server:
            server.replicaof("NO", "ONE")

    def rejoin(self, region: str) -> dict[str, str]:
        """How each component of `region` became a replica again."""
        return {
            component: control.rejoin(component, region, name=NAME).by for component in ("database", "cache")
        }

    def switch(self, to: str) -> None:
        """A graceful failover, and what follows it."""
        self.promote(to, at_least=self.fence(other(to)))
        self.rejoin(other(to))

    def restore(self) -> None:
        """As it was in the beginning: the west is the primary, and the east follows."""
        control.clear_faults(name=NAME)
        until(self.answers, 30)
        if "west" not in self.primaries():
            self.switch("west")
        self.unfence("west")
        self.rejoin("east")
        until(self.sandbox.serves, 30)

    def answers(self) -> bool:
        """Whether both databases do."""
        try:
            return all(self.sql(region, "select 1") == 1 for region in ("west", "east"))
        except psycopg.OperationalError:
            return False

    def await_sessions(self, primary: str) -> None:
        """The other region's Redis has whatever the `primary` one has now: a login reaches it a moment later,
        and who is parted from it before that is nobody there."""
        with self.redis(primary) as server, self.redis(other(primary)) as replica:
            written = server.info("replication")["master_repl_offset"]
            until(lambda: replica.info("replication")["slave_repl_offset"] >= written)

    # what the heartbeat saw

    def beats(self, since: float = 0.0) -> list[dict[str, Any]]:
        file = self.sandbox.folder / "data" / "heartbeat.jsonl"
        lines = [json.loads(line) for line in file.read_text().splitlines() if line.endswith("}")]
        return [line for line in lines if line["at"] >= since]

    def lost(self, region: str, since: float) -> list[int]:
        """Numbers that were acknowledged, by whichever region, and are not in `region`'s table."""
        acknowledged = [beat["n"] for beat in self.beats(since) if "failed" not in beat]
        with psycopg.connect(self.conninfo(region)) as connection:
            found = {row[0] for row in connection.execute("select n from heartbeat")}
        return [n for n in acknowledged if n not in found]


def estate_of(sandbox: RunningSandbox) -> Estate:
    endpoints = json.loads((sandbox.folder / "endpoints.json").read_text())
    return Estate(sandbox, json.loads(Path(endpoints["estate_file"]).read_text()))


@dataclass
class Traffic:
    """What customers got, by what they did: (Unix time, region that answered or was asked, status)."""

    writes: list[tuple[float, str, int]] = field(default_factory=list)
    reads: list[tuple[float, str, int]] = field(default_factory=list)

    def good_writes(self, since: float) -> int:
        return sum(at >= since and status == httpx.codes.OK for at, _, status in self.writes)

    def longest_gap_s(self) -> float:
        """The longest time without a successful write."""
        good = [at for at, _, status in self.writes if status == httpx.codes.OK]
        return max((later - earlier for earlier, later in pairwise(good)), default=1e9)

    def failed_reads(self) -> int:
        return sum(status != httpx.codes.OK for _, _, status in self.reads)


@contextmanager
def customers_of_both_regions(sandbox: RunningSandbox) -> Iterator[Traffic]:
    """Two who write and read without pause, each at its own region's edge, until the block ends."""
    traffic, stop = Traffic(), threading.Event()

    def keep_coming(region: str, account: str) -> None:
        with sandbox.customer(account, edge=f"{region}-edge") as client:
            while not stop.is_set():
                key = {"idempotency-key": uuid.uuid4().hex}
                written = client.post("/v1/plan", json={"plan": "plus"}, headers=key)
                traffic.writes.append((time.time(), region, written.status_code))
                read = client.get("/v1/session")
                traffic.reads.append((time.time(), region, read.status_code))
                time.sleep(0.02)

    threads = [
        threading.Thread(target=keep_coming, args=("west", "c09921")),
        threading.Thread(target=keep_coming, args=("east", "c09922")),
    ]
    for thread in threads:
        thread.start()
    try:
        yield traffic
    finally:
        stop.set()
        for thread in threads:
            thread.join()
