"""PostgreSQL: at first a primary in the west and a streaming standby in the east; each restarts as what its
data folder says, so that a failover lasts.

The first `up` of a state folder makes a template (initdb, schema, 10,000 customers); later ones copy it.
As root the server runs as user `postgres`, since it refuses to run as root; the read capability lets it
pass a private (0700) parent folder.
"""

from __future__ import annotations

import asyncio
import os
import pwd
import re
import shutil
import signal
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.hang_up import hung_up_at
from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import other
from keelwatch.sandbox.servers.server import Server, Step, run
from keelwatch.workspace import SourceError

if TYPE_CHECKING:
    import psycopg

ACCOUNT = "postgres"
ANSWER_SECONDS = 10.0
WRITABLE = "select not pg_is_in_recovery()"
STREAMING = "select exists (select from pg_stat_wal_receiver where status = 'streaming')"

# Durability against a power cut is worth nothing here; everything else behaves as in production.
SETTINGS = (
    "listen_addresses=127.0.0.1",
    "unix_socket_directories=",
    "wal_level=replica",
    "wal_log_hints=on",
    "wal_keep_size=64MB",
    "max_wal_senders=8",
    "hot_standby=on",
    "max_connections=60",
    "shared_buffers=24MB",
    "fsync=off",
    "jit=off",
    "autovacuum_naptime=5min",
    "checkpoint_timeout=15min",
    "wal_writer_delay=1s",
    "bgwriter_delay=2s",
    "wal_retrieve_retry_interval=500ms",
    # A link that swallows everything is found dead before anybody has waited a minute.
    "wal_sender_timeout=6s",
    "wal_receiver_timeout=6s",
    "log_timezone=UTC",
    # A log line never shows a customer: no statements, no parameters, no DETAIL with a key's value.
    "log_error_verbosity=terse",
    "log_min_error_statement=panic",
    "log_parameter_max_length_on_error=0",
)

# `ALTER SYSTEM` writes them there, and a copy or pg_rewind brings along those of the new primary.
STALE_SETTINGS = re.compile(r"(primary_conninfo|primary_slot_name|default_transaction_read_only)\b")


def folder(layout: Layout, region: str) -> Path:
    return layout.folder / "data" / f"postgres-{region}"


def privileges() -> tuple[str, ...]:
    """Arguments of setpriv that make root `postgres`; none for an ordinary user."""
    if os.geteuid() != 0:
        return ()
    return (
        f"--reuid={ACCOUNT}",
        f"--regid={ACCOUNT}",
        "--clear-groups",
        "--inh-caps=+dac_read_search",
        "--ambient-caps=+dac_read_search",
    )


def own_folder(path: Path) -> None:
    """Make an empty folder that the server account owns."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True)
    if os.geteuid() == 0:
        try:
            account = pwd.getpwnam(ACCOUNT)
        except KeyError:
            raise SourceError(
                f"there is no user {ACCOUNT} to run PostgreSQL as", "apt-get install postgresql"
            ) from None
        os.chown(path, account.pw_uid, account.pw_gid)


def as_account(servers: Servers) -> tuple[str, ...]:
    return (servers["setpriv"], *privileges(), "--") if privileges() else ()


def command(servers: Servers, data: Path, port: int) -> tuple[str, ...]:
    settings = [word for setting in (*SETTINGS, f"port={port}") for word in ("-c", setting)]
    return (servers["postgres"], "-D", str(data), *settings)


async def is_ready(conninfo: str, question: str) -> bool:
    """Whether the server behind `conninfo` answers `question` with true."""
    try:
        return bool(await ask(conninfo, question))
    except SourceError:
        return False


async def ask(conninfo: str, *statements: str) -> object:
    """The first value that the last of `statements` returns (None: nothing), each its own transaction.

    Raises `SourceError` with the words of the server.
    """
    import psycopg

    try:
        connection = await psycopg.AsyncConnection.connect(conninfo, connect_timeout=2, autocommit=True)
        try:
            async with hung_up_at(connection, asyncio.get_running_loop().time() + ANSWER_SECONDS):
                return await _last_value(connection, statements)
        finally:
            await connection.close()
    except psycopg.Error as error:
        raise SourceError(f"PostgreSQL says: {str(error).strip()}") from None
    except TimeoutError:
        raise SourceError(f"PostgreSQL did not answer within {ANSWER_SECONDS:g} s") from None


async def _last_value(connection: psycopg.AsyncConnection, statements: tuple[str, ...]) -> object:
    row = None
    for statement in statements:
        cursor = await connection.execute(statement.encode())
        row = await cursor.fetchone() if cursor.description is not None else None
    return row[0] if row else None


def superuser(layout: Layout, region: str, start: str | None = None) -> str:
    """How the supervisor reaches the server of `region`: directly, or as somebody in `start` would."""
    port, password = layout.port("postgres", region, start), layout.passwords.postgres
    return f"host=127.0.0.1 port={port} dbname=portal user=postgres password={password} sslmode=disable"


def primary_conninfo(layout: Layout, region: str) -> str:
    """How the standby of `region` reaches its primary: over the link, whose hanging it gives up soon."""
    port = layout.port("postgres", other(region), region)
    return (
        f"host=127.0.0.1 port={port} user=replicator application_name={region} sslmode=disable "
        "tcp_user_timeout=2000"
    )


async def _copy_template(layout: Layout, template: Path) -> None:
    target = folder(layout, "west")
    shutil.rmtree(target, ignore_errors=True)
    target.parent.mkdir(parents=True, exist_ok=True)
    await run(["cp", "-a", "--reflink=auto", str(template), str(target)], "copying the database template")


async def base_backup(layout: Layout, servers: Servers, region: str, target: Path) -> None:
    """Make of `target` a standby of the other region's server, with its own replication slot there."""
    await _backup(layout, servers, region, target, primary_conninfo(layout, region))
    make_standby(layout, region, target)


async def _first_backup(layout: Layout, servers: Servers) -> None:
    """Not over the link: nobody is there yet to feel what it does, and the start shall be quick."""
    direct = f"host=127.0.0.1 port={layout.port('postgres', 'west')} user=replicator sslmode=disable"
    await _backup(layout, servers, "east", folder(layout, "east"), direct, "-C")
    make_standby(layout, "east", folder(layout, "east"))


async def _backup(
    layout: Layout, servers: Servers, region: str, target: Path, source: str, *options: str
) -> None:
    own_folder(target)
    backup = [servers["pg_basebackup"], "-D", str(target), "-S", region, "-X", "stream", "-c", "fast"]
    password = {"PGPASSWORD": layout.passwords.replicator}
    what = "copying the primary to the standby"
    await run([*as_account(servers), *backup, *options, "-d", source], what, password)


def make_standby(layout: Layout, region: str, data: Path) -> None:
    """Have the server of `data` follow the other region's, over the link."""
    settings = data / "postgresql.auto.conf"
    kept = [line for line in settings.read_text().splitlines() if not STALE_SETTINGS.match(line)]
    primary = f"{primary_conninfo(layout, region)} password={layout.passwords.replicator}"
    kept += [f"primary_conninfo = '{primary}'", f"primary_slot_name = '{region}'"]
    settings.write_text("\n".join(kept) + "\n")
    signal_file = data / "standby.signal"
    signal_file.touch(mode=0o600)
    owner = data.stat()
    os.chown(signal_file, owner.st_uid, owner.st_gid)


async def pause_replay(layout: Layout, region: str) -> bool:
    """Let the standby of `region` receive and not replay; False when it is no standby, or does not answer."""
    return await _if_standby(layout, region, "select pg_wal_replay_pause()")


async def resume_replay(layout: Layout, region: str) -> bool:
    return await _if_standby(layout, region, "select pg_wal_replay_resume()")


async def is_paused(layout: Layout, region: str) -> bool | None:
    """Whether the standby of `region` was told to replay nothing; None when it is no standby, or does not
    answer."""
    try:
        return bool(await ask(superuser(layout, region), "select pg_is_wal_replay_paused()"))
    except SourceError:
        return None


async def _if_standby(layout: Layout, region: str, statement: str) -> bool:
    try:
        await ask(superuser(layout, region), statement)  # an error on a primary
    except SourceError:
        return False
    return True


def servers_of(layout: Layout, servers: Servers, template: Path) -> list[Server]:
    """The primary and its standby. The standby counts as ready only while WAL streams to it."""
    primary, standby = partial(_copy_template, layout, template), partial(_first_backup, layout, servers)
    return [
        _server(layout, servers, "west", WRITABLE, primary, ()),
        _server(layout, servers, "east", STREAMING, standby, ("postgres-west", "links")),
    ]


def _server(
    layout: Layout, servers: Servers, region: str, question: str, prepare: Step, needs: tuple[str, ...]
) -> Server:
    return Server(
        name=f"postgres-{region}",
        component="database",
        region=region,
        argv=command(servers, folder(layout, region), layout.ports[f"{region}-postgres"]),
        ready=partial(is_ready, superuser(layout, region), question),
        serves=partial(is_ready, superuser(layout, region), "select true"),
        prepare=prepare,
        needs=needs,
        stop_signal=signal.SIGINT,  # "fast": the default would wait for every connection to leave
        on_orphaned="QUIT",  # lets the postmaster end its children and free its shared memory
        setpriv=privileges(),
    )
