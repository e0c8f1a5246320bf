"""The database every sandbox of a state folder starts from, made once and copied afterwards.

Accounts and their passwords, all made up:
- customers `c00001` .. `c10000`, `synthetic-west-01` .. `-10`, `synthetic-east-01` .. `-10` (for probes),
  `load-west-0001` .. `-1000`, `load-east-0001` .. `-1000` (for load);
- staff `agent-01` .. `agent-10`, who may look up any account;
- the password of account X is `pw-X`, as in `pw-c00042`; those for probes and load need a one-time code too.
"""

from __future__ import annotations

import asyncio
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.layout import Passwords, write_private
from keelwatch.sandbox.portal import passwords
from keelwatch.sandbox.portal.passwords import hash_password, password_of, totp_secret_of
from keelwatch.sandbox.ports import REGIONS
from keelwatch.sandbox.servers import postgres
from keelwatch.sandbox.servers.server import run
from keelwatch.workspace import SourceError

if TYPE_CHECKING:
    import psycopg

CUSTOMERS = 10_000
SYNTHETIC_PER_REGION = 10
LOAD_PER_REGION = 1000  # each logs in once per one-time code, so that 66 can in a second
AGENTS = 10
SCHEMA_FILE = Path(__file__).with_name("schema.sql")
START_SECONDS = 45.0


def account_ids() -> list[str]:
    """Every account of the portal, in the order of the seed."""
    agents = [f"agent-{number:02}" for number in range(1, AGENTS + 1)]
    ours = [account for _, account in [*synthetic_ids(), *load_ids()]]
    return [f"c{number:05}" for number in range(1, CUSTOMERS + 1)] + ours + agents


def synthetic_ids() -> list[tuple[str, str]]:
    """(region, account) of those that probes use."""
    numbers = range(1, SYNTHETIC_PER_REGION + 1)
    return [(region, f"synthetic-{region}-{number:02}") for region in REGIONS for number in numbers]


def load_ids() -> list[tuple[str, str]]:
    """(region, account) of those that load uses."""
    numbers = range(1, LOAD_PER_REGION + 1)
    return [(region, f"load-{region}-{number:04}") for region in REGIONS for number in numbers]


def accounts_document(key: str) -> str:
    """The accounts that probes and load use, as JSON: what `endpoints.json` calls its `accounts_file`."""
    pools = {
        pool: [
            {
                "name": account,
                "region": region,
                "password": password_of(account),
                "totp": totp_secret_of(account, key),
                "mailbox": f"{account}@probes.invalid",
            }
            for region, account in ids
        ]
        for pool, ids in (("synthetic", synthetic_ids()), ("load", load_ids()))
    }
    return json.dumps(pools, indent=1)


async def ensure_template(cache: Path, servers: Servers) -> tuple[Path, Passwords]:
    """The data folder to copy and the passwords that fit it; made on first use (a few seconds).

    Safe when two sandboxes ask at once. `cache` is private to this module.
    """
    version = servers.postgres_version
    ingredients = (SCHEMA_FILE, Path(__file__), Path(passwords.__file__))
    fingerprint = hashlib.sha256(b"".join(path.read_bytes() for path in ingredients)).hexdigest()[:12]
    home = cache / f"postgres-{version}-{fingerprint}-{os.geteuid()}"
    cache.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _locked(cache / "lock"):
        passwords_file = home / "passwords.json"
        if not passwords_file.exists():  # written last: its presence says that the template is whole
            _drop_older(cache, version)
            await _make(home, servers)
        return home / "data", Passwords(**json.loads(passwords_file.read_text()))


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _drop_older(cache: Path, version: int) -> None:
    for old in cache.glob(f"postgres-{version}-*-{os.geteuid()}"):
        shutil.rmtree(old, ignore_errors=True)


async def _make(home: Path, servers: Servers) -> None:
    words = Passwords(*(secrets.token_hex(16) for _ in range(6)))
    data = home / "data"
    postgres.own_folder(data)
    password_file = home / "superuser"
    write_private(password_file, words.postgres)
    await run([*postgres.as_account(servers), *_initdb(servers, data, password_file)], "initdb")
    password_file.unlink()
    await _seed(data, servers, words)
    write_private(home / "passwords.json", json.dumps(asdict(words)))


def _initdb(servers: Servers, data: Path, password_file: Path) -> list[str]:
    place = ["-D", str(data), "-U", "postgres", "--pwfile", str(password_file), "-A", "scram-sha-256"]
    shape = ["--encoding=UTF8", "--locale=C.UTF-8", "--wal-segsize=1", "--no-sync"]
    return [servers["initdb"], *place, *shape]


async def _seed(data: Path, servers: Servers, words: Passwords) -> None:
    port = _free_port()
    log = data.parent / "seed.log"
    with log.open("w") as output:
        server = await asyncio.create_subprocess_exec(
            servers["setpriv"], *postgres.privileges(), "--pdeathsig=QUIT", "--",
            *postgres.command(servers, data, port), stdout=output, stderr=output, cwd="/",
        )  # fmt: skip
    try:
        await _fill(port, words, log)
    finally:
        server.send_signal(signal.SIGINT)
        await server.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def _fill(port: int, words: Passwords, log: Path) -> None:
    import psycopg

    place = f"host=127.0.0.1 port={port} user=postgres password={words.postgres} sslmode=disable dbname="
    deadline = asyncio.get_running_loop().time() + START_SECONDS
    while not await postgres.is_ready(place + "postgres", "select true"):
        if asyncio.get_running_loop().time() > deadline:
            raise SourceError(f"PostgreSQL did not start to make the template; see {log}")
        await asyncio.sleep(0.05)
    async with await psycopg.AsyncConnection.connect(place + "postgres", autocommit=True) as connection:
        await connection.execute("create database portal")
    async with await psycopg.AsyncConnection.connect(place + "portal") as connection:
        await _fill_portal(connection, words)


async def _fill_portal(connection: psycopg.AsyncConnection, words: Passwords) -> None:
    from psycopg import sql

    for role, word, option in (
        ("portal", words.portal, "login"),
        ("replicator", words.replicator, "replication login"),
    ):
        line = sql.SQL("create role {} {} password {}")
        await connection.execute(line.format(sql.Identifier(role), sql.SQL(option), sql.Literal(word)))
    await connection.execute(SCHEMA_FILE.read_bytes())
    copy = "copy credentials (account_id, hash) from stdin"
    async with connection.cursor() as cursor, cursor.copy(copy) as rows:
        for account in account_ids():
            await rows.write_row((account, hash_password(account, password_of(account)).hex()))
    copy = "copy authenticators (account_id, secret) from stdin"
    async with connection.cursor() as cursor, cursor.copy(copy) as rows:
        for _, account in [*synthetic_ids(), *load_ids()]:
            await rows.write_row((account, totp_secret_of(account, words.pseudonym_key)))
