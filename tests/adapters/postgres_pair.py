"""A real PostgreSQL primary in the west and its streaming standby in the east, from a template made once."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psycopg

from keelwatch.adapters.postgres.standing import whole
from keelwatch.workspace.estate import Database, find_estate
from tests.adapters.estate import REGIONS, Estate, written
from tests.adapters.processes import children, start, stop, until
from tests.adapters.prometheus_server import free_port

USER, PASSWORD = "postgres", "made-up-superuser"
SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "wal_level=replica",
    "wal_keep_size=64MB",
    "hot_standby=on",
    "fsync=off",
    "shared_buffers=16MB",
    "max_connections=30",
    "wal_retrieve_retry_interval=200ms",
    "autovacuum=off",
)


def program(name: str) -> str:
    found = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"))
    return str(found[-1]) if found else shutil.which(name) or name


def as_account() -> list[str]:
    """PostgreSQL refuses to run as root; the read capability lets its user pass a test's private folder."""
    if os.geteuid() != 0:
        return []
    words = f"--reuid={USER} --regid={USER} --clear-groups"
    return ["setpriv", *words.split(), "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search", "--"]


def own(path: Path) -> Path:
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True)
    if os.geteuid() == 0:
        account = pwd.getpwnam(USER)
        os.chown(path, account.pw_uid, account.pw_gid)
    return path


def run(argv: Sequence[str]) -> None:
    done = subprocess.run([*as_account(), *argv], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-2000:]


def template(folder: Path) -> Path:
    """An empty cluster: initdb takes seconds, a copy of it none."""
    data, secret = own(folder / "template"), folder / "password"
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    run([program("initdb"), "-D", str(data), "-U", USER, "-N", "--auth=scram-sha-256", f"--pwfile={secret}"])
    # The first line that matches counts, so ours stand alone.
    hba = "host all all 127.0.0.1/32 scram-sha-256\nhost replication all 127.0.0.1/32 trust\n"
    (data / "pg_hba.conf").write_text(hba)
    return data


@dataclass
class Pair:
    """`estate` as verbs find it. Servers are named by their region."""

    folder: Path
    ports: dict[str, int]
    estate: Estate
    processes: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def data(self, region: str) -> Path:
        return self.folder / region

    def connect(self, region: str, **more: str) -> psycopg.Connection:
        port = self.ports[region]
        return psycopg.connect(
            host="127.0.0.1",
            port=port,
            user=USER,
            password=PASSWORD,
            dbname="postgres",
            autocommit=True,
            connect_timeout=2,
            **more,  # type: ignore[arg-type]
        )

    def ask(self, region: str, query: str) -> object:
        with self.connect(region) as connection:
            row = connection.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]

    def run(self, region: str, statement: str) -> None:
        with self.connect(region) as connection:
            connection.execute(statement.encode())

    def start(self, region: str) -> None:
        settings = [word for one in (*SETTINGS, f"port={self.ports[region]}") for word in ("-c", one)]
        argv = [*as_account(), program("postgres"), "-D", str(self.data(region)), *settings]
        self.processes[region] = start(argv, self.folder / f"{region}.log")
        until(lambda: self.answers(region), f"PostgreSQL of {region}")

    def answers(self, region: str) -> bool:
        try:
            return self.ask(region, "select 1") == 1
        except psycopg.OperationalError:
            process = self.processes[region]
            assert process.poll() is None, (self.folder / f"{region}.log").read_text()[-3000:]
            return False

    def stop(self, region: str) -> None:
        stop(self.processes[region], signal.SIGINT)

    def crash(self, region: str) -> None:
        """As `kill -9` of everything."""
        process = self.processes[region]
        below = children(process.pid)
        for pid in (process.pid, *below):
            os.kill(pid, signal.SIGKILL)
        process.wait(20)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in below), "the end of its children")
        (self.data(region) / "postmaster.pid").unlink(missing_ok=True)

    def follow(self, region: str, primary: str) -> None:
        """Make `region` a standby of `primary`, from nothing."""
        if region in self.processes:
            self.stop(region)
        where = f"host=127.0.0.1 port={self.ports[primary]} user={USER} application_name={region}"
        backup = [program("pg_basebackup"), "-R", "-X", "stream", "-c", "fast", "-d", where]
        run([*backup, "-D", str(own(self.data(region)))])
        self.start(region)
        until(lambda: self.streams(region), f"{region} streaming")

    def streams(self, region: str) -> bool:
        return (
            self.ask(region, "select exists (select from pg_stat_wal_receiver where status = 'streaming')")
            is True
        )

    def caught_up(self) -> None:
        at = self.ask("west", "select pg_current_wal_lsn()::text")
        until(lambda: self.ask("east", f"select pg_last_wal_replay_lsn() >= '{at}'") is True, "the standby")


@contextmanager
def running_pair(folder: Path, template: Path) -> Iterator[Pair]:
    ports = {region: free_port() for region in REGIONS}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "secret").write_text(PASSWORD)
    regions = {region: {"host": "127.0.0.1", "port": port} for region, port in ports.items()}
    database = {"user": USER, "password": "file:secret", "name": "postgres", "regions": regions}
    pair = Pair(folder, ports, written(folder, database=database))
    subprocess.run(["cp", "-a", str(template), str(pair.data("west"))], check=True)
    try:
        pair.start("west")
        pair.run("west", "create table kept (n int primary key)")
        pair.follow("east", "west")
        yield pair
    finally:
        for region in pair.processes:
            pair.stop(region)


def database_of(pair: Pair) -> Database:
    return find_estate(pair.estate.file, "here").the_database()


def insert(pair: Pair, region: str, *numbers: int) -> None:
    for number in numbers:
        pair.run(region, f"insert into kept values ({number})")


def kept(pair: Pair, region: str) -> int:
    return whole(pair.ask(region, "select count(*) from kept"))
