"""Redis: a primary in the west and its replica in the east, for sessions and the cache. Nothing on disk."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.layout import Layout, write_private
from keelwatch.sandbox.servers.server import Server

CONFIGURATION = """\
bind 127.0.0.1
port {port}
dir {folder}
daemonize no
save ""
appendonly no
set-proc-title no
requirepass {password}
masterauth {password}
maxmemory 64mb
maxmemory-policy volatile-lru
loglevel warning
repl-diskless-sync yes
# On the primary, and 0: otherwise every (re)attachment of the replica takes 5 s more.
repl-diskless-sync-delay 0
repl-diskless-load swapdb
"""


def servers_of(layout: Layout, servers: Servers) -> list[Server]:
    """The replica counts as ready only while its link to the primary is up."""
    return [
        _server(layout, servers, "west", "role:master", ()),
        _server(layout, servers, "east", "master_link_status:up", ("redis-west",)),
    ]


def _server(layout: Layout, servers: Servers, region: str, sign: str, needs: tuple[str, ...]) -> Server:
    file = layout.folder / "config" / f"redis-{region}.conf"
    port = layout.ports[f"{region}-redis"]
    return Server(
        name=f"redis-{region}",
        component="cache",
        region=region,
        argv=(servers["redis-server"], str(file)),
        ready=partial(_replication_shows, port, layout.passwords.redis, sign),
        serves=partial(_replication_shows, port, layout.passwords.redis, "role:"),
        prepare=partial(_write, layout, region, file),
        needs=needs,
    )


async def _write(layout: Layout, region: str, file: Path) -> None:
    folder = layout.folder / "data" / f"redis-{region}"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = layout.ports[f"{region}-redis"], layout.passwords.redis
    text = CONFIGURATION.format(port=port, folder=f'"{folder}"', password=password)
    if region == "east":
        text += f"replicaof 127.0.0.1 {layout.ports['west-redis']}\n"
    write_private(file, text)


async def _replication_shows(port: int, password: str, sign: str) -> bool:
    """Ask INFO over the plain protocol: no client library is needed for one question."""
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"AUTH {password}\r\nINFO replication\r\nQUIT\r\n".encode())
                return sign.encode() in await reader.read()
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return False
