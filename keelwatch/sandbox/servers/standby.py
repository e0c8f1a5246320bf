"""Makes the PostgreSQL of a region a standby of the other one, whatever it was before.

pg_rewind takes back what the new primary never had; where it cannot, the primary is copied anew. The server
has to be stopped meanwhile. What an earlier life left is removed: a fence, a slot of another time (it would
keep WAL for ever), the address of an earlier primary.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import other
from keelwatch.sandbox.servers import postgres
from keelwatch.sandbox.servers.server import run

DROP_OTHERS = (
    "select pg_drop_replication_slot(slot_name) from pg_replication_slots "
    "where not active and slot_type = 'physical' and slot_name <> '{own}'"
)
END_OWN = "select count(pg_terminate_backend(active_pid)) from pg_replication_slots where slot_name = '{own}'"
MAKE_OWN = (
    "select pg_create_physical_replication_slot('{own}', true) "
    "where not exists (select from pg_replication_slots where slot_name = '{own}')"
)


async def follows(layout: Layout, region: str) -> bool:
    """Whether the server of `region` is a standby to which the other one streams."""
    return await postgres.is_ready(postgres.superuser(layout, region), postgres.STREAMING)


async def prepare_primary(layout: Layout, region: str) -> None:
    """Give `region` its slot on the other server. Raises `SourceError`.

    The checkpoint is for pg_rewind, which reads the timeline of the last one: right after a promotion that
    is still the old timeline, and it would find nothing to do.
    """
    own = {"own": region}
    statements = [statement.format(**own) for statement in (DROP_OTHERS, END_OWN, MAKE_OWN)]
    await postgres.ask(postgres.superuser(layout, other(region)), "checkpoint", *statements)


async def rewind(layout: Layout, servers: Servers, region: str) -> None:
    """Turn the stopped server of `region` back to where its primary went another way."""
    port = layout.port("postgres", other(region), region)
    source = f"host=127.0.0.1 port={port} user=postgres dbname=portal sslmode=disable connect_timeout=3"
    data = postgres.folder(layout, region)
    _keep_hints(data)
    command = [servers["pg_rewind"], "-D", str(data), f"--source-server={source}", "--no-sync"]
    password = {"PGPASSWORD": layout.passwords.postgres}
    await run([*postgres.as_account(servers), *command], "rewinding the former primary", password)
    postgres.make_standby(layout, region, data)


def _keep_hints(data: Path) -> None:
    """pg_rewind lets a killed server recover first, in single-user mode: without our command line, and so
    without the hints that pg_rewind itself asks for right after."""
    settings = data / "postgresql.auto.conf"
    text = settings.read_text()
    if "wal_log_hints" not in text:
        settings.write_text(f"{text}wal_log_hints = on\n")


async def copy(layout: Layout, servers: Servers, region: str) -> None:
    """Replace the data of the stopped server of `region` by its primary's, once they are all here."""
    data = postgres.folder(layout, region)
    fresh = data.with_name(f"{data.name}.fresh")
    await postgres.base_backup(layout, servers, region, fresh)
    shutil.rmtree(data)
    fresh.rename(data)


async def drop_own_slots(layout: Layout, region: str) -> None:
    """Those that the server of `region` kept for a standby of former times."""
    await postgres.ask(postgres.superuser(layout, region), DROP_OTHERS.format(own=""))
