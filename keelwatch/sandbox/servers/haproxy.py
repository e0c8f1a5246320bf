"""HAProxy: the edge. One address for both regions, and one per region that never leaves it.

Faults of the edge are a map that the runtime API rewrites: per region a share of errors and a delay,
each with the Unix time until which it counts, so that a fault ends even when nobody clears it. At the
common address the region is known only once a server was chosen, so there the fault strikes the response.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.layout import Layout, write_private
from keelwatch.sandbox.ports import REGIONS, WORKERS
from keelwatch.sandbox.servers.server import Server
from keelwatch.workspace import SourceError

SOCKET = "haproxy.sock"
MAP = "config/edge-faults.map"
RELOAD_SECONDS = 5.0

UNAVAILABLE = """content-type application/json string '{"error":"unavailable"}'"""
IN_FORCE = "{ date,sub(txn.until) lt 0 }"

DELAY_LUA = """\
-- Waits without blocking the event loop; the time was put into a variable by the configuration.
local function delay(txn)
    local ms = tonumber(txn:get_var("txn.delay_ms")) or 0
    if ms > 0 then core.msleep(ms) end
end
core.register_action("delay", {"http-req", "http-res"}, delay, 0)
"""

HEAD = """\
global
    nbthread 1
    maxconn 2000
    # After a reload the old process answers who is in the middle of something, and then goes.
    hard-stop-after 2s
    stats socket unix@{socket} mode 600 level admin
    {lua}
    ssl-default-bind-options ssl-min-ver TLSv1.2

defaults
    mode http
    timeout connect 1s
    timeout client 30s
    timeout server 15s
    timeout http-request 5s
    timeout http-keep-alive 30s
    timeout queue 2s
    retries 2
    option redispatch 1
    retry-on conn-failure
    default-server check inter 1s fastinter 250ms downinter 250ms fall 2 rise 1
    default-server on-marked-down shutdown-sessions
    option httpchk GET /healthz
    http-reuse safe

frontend edge-metrics
    bind 127.0.0.1:{metrics_port}
    timeout client 5s
    http-request use-service prometheus-exporter if {{ path /metrics }}
    http-request return status 404

frontend edge-plain
    bind 127.0.0.1:{plain_port}
    http-request redirect code 308 location https://127.0.0.1:{tls_port}%[pathq]

frontend edge
    bind 127.0.0.1:{tls_port} ssl crt {certificate} alpn http/1.1
    http-request return status 404 if {{ path /metrics /healthz }}
    http-request set-header X-Forwarded-Proto https
    default_backend portal

backend portal
    balance roundrobin
{response_faults}
{all_workers}
"""

REGION = """\

frontend {region}-edge
    bind 127.0.0.1:{port} ssl crt {certificate} alpn http/1.1
    http-request return status 404 if {{ path /metrics /healthz }}
    http-request set-header X-Forwarded-Proto https
{request_faults}
    default_backend {region}

backend {region}
    balance roundrobin
{workers}
"""


def server_of(layout: Layout, servers: Servers) -> Server:
    config = layout.folder / "config" / "haproxy.cfg"
    return Server(
        name="haproxy",
        component="edge",
        region=None,
        # A master in front: it reloads without losing a connection, and no worker outlives it.
        argv=(servers["haproxy"], "-W", "-db", "-f", str(config)),
        ready=partial(_all_workers_up, layout),
        serves=partial(_answers, layout),
        prepare=partial(_prepare, layout, servers, config),
        needs=tuple(f"{region}-{number}" for region in REGIONS for number in WORKERS),
    )


async def _prepare(layout: Layout, servers: Servers, config: Path) -> None:
    if servers.haproxy_has_lua:
        write_private(layout.folder / "config" / "delay.lua", DELAY_LUA)
    write_map(layout, {})
    write_private(config, configuration(layout, lua=servers.haproxy_has_lua))


def configuration(layout: Layout, *, lua: bool) -> str:
    certificate = layout.folder / "tls" / "edge.pem"
    common = HEAD.format(
        socket=SOCKET,
        lua="lua-load config/delay.lua" if lua else "",
        metrics_port=layout.ports["edge-metrics"],
        plain_port=layout.ports["edge"],
        tls_port=layout.ports["edge-tls"],
        certificate=certificate,
        response_faults="\n".join(_fault_rules("http-response", region, lua=lua) for region in REGIONS),
        all_workers="\n".join(_worker_line(layout, region, track=False) for region in REGIONS),
    )
    regions = [
        REGION.format(
            region=region,
            port=layout.ports[f"{region}-edge"],
            certificate=certificate,
            request_faults=_fault_rules("http-request", region, lua=lua),
            workers=_worker_line(layout, region, track=True),
        )
        for region in REGIONS
    ]
    return common + "".join(regions)


def _worker_line(layout: Layout, region: str, *, track: bool) -> str:
    """Each worker is checked once, in `portal`; the backends of the regions follow that check."""
    lines = []
    for number in WORKERS:
        name = f"{region}-{number}"
        check = f" no-check track portal/{name}" if track else ""
        lines.append(f"    server {name} 127.0.0.1:{layout.ports[name]}{check}")
    return "\n".join(lines)


def _fault_rules(phase: str, region: str, *, lua: bool) -> str:
    """`lt 0` tests: now before the fault's end, and a random number below its share (in 1/10,000)."""
    here = f"{{ srv_name -m beg {region}- }}" if phase == "http-response" else "TRUE"

    def variable(name: str, key: str) -> str:
        return f"set-var(txn.{name}) str({region}-{key}),map_str_int({MAP},0) if {here}"

    errors = [
        variable("errors", "errors"),
        variable("until", "errors-until"),
        f"return status 503 {UNAVAILABLE} if {here} {IN_FORCE} {{ rand(10000),sub(txn.errors) lt 0 }}",
    ]
    latency = [
        variable("delay_ms", "latency"),
        variable("until", "latency-until"),
        f"lua.delay if {here} {IN_FORCE}",
    ]
    return "\n".join(f"    {phase} {rule}" for rule in (latency if lua else []) + errors)


def write_map(layout: Layout, values: Mapping[str, int]) -> None:
    """What a (re)started HAProxy reads."""
    complete = dict.fromkeys(_keys(), 0) | dict(values)
    text = "".join(f"{key} {value}\n" for key, value in sorted(complete.items()))
    write_private(layout.folder / MAP, text)


def _keys() -> list[str]:
    kinds = ("errors", "errors-until", "latency", "latency-until")
    return [f"{region}-{kind}" for region in REGIONS for kind in kinds]


async def apply_faults(layout: Layout, values: Mapping[str, int]) -> None:
    """Put the map into force: in the file for a later start, and in the running HAProxy at once."""
    write_map(layout, values)
    complete = dict.fromkeys(_keys(), 0) | dict(values)
    lines = ";".join(f"set map {MAP} {key} {value}" for key, value in complete.items())
    await ask(layout, lines)


async def ask(layout: Layout, command: str) -> str:
    """One line to the runtime API; '' when HAProxy is not there."""
    handle = os.open(layout.folder, os.O_PATH)
    try:
        async with asyncio.timeout(2):
            # Through the folder's descriptor: a unix socket's path is limited to 107 characters.
            reader, writer = await asyncio.open_unix_connection(f"/proc/self/fd/{handle}/{SOCKET}")
            try:
                writer.write(command.encode() + b"\n")
                return (await reader.read()).decode(errors="replace")
            finally:
                writer.close()
    except (OSError, TimeoutError):
        return ""
    finally:
        os.close(handle)


async def reload(layout: Layout, tell_master: Callable[[], None]) -> None:
    """Have the configuration read anew, by `tell_master`; returns when the new process answers.

    Raises `SourceError` when it does not.
    """
    before = await _worker(layout)
    tell_master()
    deadline = time.monotonic() + RELOAD_SECONDS
    while (await _worker(layout)) in {before, ""}:
        if time.monotonic() > deadline:
            raise SourceError(
                f"the edge did not reload within {RELOAD_SECONDS:g} s", f"see {layout.logs / 'haproxy.log'}"
            )
        await asyncio.sleep(0.02)


async def _worker(layout: Layout) -> str:
    """The pid of the process that answers; '' when none does."""
    lines = (await ask(layout, "show info")).splitlines()
    return next((line for line in lines if line.startswith("Pid:")), "")


async def _answers(layout: Layout) -> bool:
    return bool(await ask(layout, "show version"))


async def _all_workers_up(layout: Layout) -> bool:
    """`show servers state`: field 5 is the operational state, 2 is running."""
    told = await ask(layout, "show servers state portal")
    rows = [line.split() for line in told.splitlines() if line[:1].isdigit()]
    states = [row[5] for row in rows if len(row) > 5]
    return bool(states) and all(state == "2" for state in states)
