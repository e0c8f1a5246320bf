"""Redis: at first a primary in the west and its replica in the east, for sessions and the cache.

No data on disk. A server restarts as what its configuration says: `CONFIG REWRITE` makes a promotion last.
"""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.layout import Layout, write_private
from keelwatch.sandbox.ports import other
from keelwatch.sandbox.servers.server import Server
from keelwatch.workspace import SourceError

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
# A link that swallows everything is found dead before anybody has waited a minute.
repl-timeout 6
repl-ping-replica-period 1
"""
MASTER = "role:master"
FOLLOWS = "master_link_status:up"


def servers_of(layout: Layout, servers: Servers) -> list[Server]:
    """The replica counts as ready only while its link to the primary is up."""
    return [
        _server(layout, servers, "west", MASTER, ()),
        _server(layout, servers, "east", FOLLOWS, ("redis-west", "links")),
    ]


def _server(layout: Layout, servers: Servers, region: str, sign: str, needs: tuple[str, ...]) -> Server:
    return Server(
        name=f"redis-{region}",
        component="cache",
        region=region,
        argv=(servers["redis-server"], str(_file(layout, region))),
        ready=partial(shows, layout, region, sign),
        serves=partial(shows, layout, region, "role:"),
        prepare=partial(_prepare, layout, region),
        needs=needs,
    )


def _file(layout: Layout, region: str) -> Path:
    return layout.folder / "config" / f"redis-{region}.conf"


async def _prepare(layout: Layout, region: str) -> None:
    _write(layout, region, is_replica=region == "east")


def _write(layout: Layout, region: str, *, is_replica: bool) -> None:
    folder = layout.folder / "data" / f"redis-{region}"
    folder.mkdir(parents=True, exist_ok=True)
    port, password = layout.ports[f"{region}-redis"], layout.passwords.redis
    text = CONFIGURATION.format(port=port, folder=f'"{folder}"', password=password)
    if is_replica:
        text += f"replicaof 127.0.0.1 {layout.port('redis', other(region), region)}\n"
    write_private(_file(layout, region), text)


async def follow(layout: Layout, region: str) -> None:
    """Make the server of `region` the replica of the other one, now and after a restart.

    Raises `SourceError`.
    """
    _write(layout, other(region), is_replica=False)
    _write(layout, region, is_replica=True)
    port = layout.port("redis", other(region), region)
    answer = await _say(layout, region, f"REPLICAOF 127.0.0.1 {port}")
    if answer.count("+OK") < 3:  # AUTH, REPLICAOF and QUIT
        raise SourceError(f"the Redis of {region} does not take REPLICAOF: {answer.strip() or 'no answer'}")


async def shows(layout: Layout, region: str, sign: str) -> bool:
    """Whether `INFO replication` of the server of `region` contains `sign`."""
    return sign in await _say(layout, region, "INFO replication")


async def _say(layout: Layout, region: str, command: str) -> str:
    """Over the plain protocol: no client library is needed for one question. Empty without an answer."""
    port, password = layout.ports[f"{region}-redis"], layout.passwords.redis
    try:
        async with asyncio.timeout(1):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                writer.write(f"AUTH {password}\r\n{command}\r\nQUIT\r\n".encode())
                return (await reader.read()).decode(errors="replace")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""
