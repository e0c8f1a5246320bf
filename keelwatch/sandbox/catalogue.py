"""Every server of the lean sandbox, and what each needs before it starts."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import LINKS, REGIONS, WORKERS
from keelwatch.sandbox.servers import haproxy, postgres, prometheus, redis
from keelwatch.sandbox.servers.server import Server, answers_http, python

# Loading the history keeps every core busy, and Prometheus then waits 5 s before its first scrape: our own
# processes start in that pause instead of in its way.
IN_THE_PAUSE = ("prometheus",)
LISTENING = "0A"  # as /proc/net/tcp has it


def servers_of(layout: Layout, servers: Servers, template: Path, backfill_until: float) -> list[Server]:
    """In the order in which they may start; `needs` says what each waits for."""
    return [
        _links(layout),
        *postgres.servers_of(layout, servers, template),
        *redis.servers_of(layout, servers),
        *(_billing(layout, region) for region in REGIONS),
        *(_worker(layout, region, number) for region in REGIONS for number in WORKERS),
        haproxy.server_of(layout, servers),
        _mail(layout),
        _crm(layout),
        _heartbeat(layout),
        prometheus.server_of(layout, servers, backfill_until),
        *([_customers(layout)] if layout.requests_per_second > 0 else []),
    ]


def _worker(layout: Layout, region: str, number: int) -> Server:
    """Workers connect when first asked, so they start beside the databases, not after them."""
    name = f"{region}-{number}"
    return Server(
        name=name,
        component="portal",
        region=region,
        argv=python("keelwatch.sandbox.portal", str(layout.folder), name),
        ready=(healthy := partial(answers_http, layout.ports[name], "/healthz")),
        serves=healthy,
        after_preparing=IN_THE_PAUSE,
    )


def _billing(layout: Layout, region: str) -> Server:
    name = f"{region}-billing"
    return Server(
        name=name,
        component="billing",
        region=region,
        argv=python("keelwatch.sandbox.billing", str(layout.folder), region),
        ready=(healthy := partial(answers_http, layout.ports[name], "/healthz")),
        serves=healthy,
        after_preparing=IN_THE_PAUSE,
    )


def _mail(layout: Layout) -> Server:
    return Server(
        name="mail",
        component="notifications",
        region=None,
        argv=python("keelwatch.sandbox.mail", str(layout.folder)),
        ready=(healthy := partial(answers_http, layout.ports["mail"], "/api/v1/messages?limit=1")),
        serves=healthy,
        after_preparing=IN_THE_PAUSE,
        is_beside=True,
    )


def _links(layout: Layout) -> Server:
    """First: the replicas already come over them."""
    listening = partial(_listens, [layout.ports[name] for name in LINKS])
    return Server(
        name="links",
        component="link",
        region=None,
        argv=python("keelwatch.sandbox.links", str(layout.folder)),
        ready=listening,
        serves=listening,
    )


async def _listens(ports: Sequence[int]) -> bool:
    """Told by the kernel: a connection would be passed on, and a link may be shut by a fault."""
    wanted = {f"0100007F:{port:04X}" for port in ports}
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    return wanted <= {row[1] for row in rows if row[3] == LISTENING}


def _heartbeat(layout: Layout) -> Server:
    """Waits for its database itself."""

    async def beats() -> bool:
        return layout.heartbeat_file.exists()

    return Server(
        name="heartbeat",
        component="heartbeat",
        region=None,
        argv=python("keelwatch.sandbox.heartbeat", str(layout.folder)),
        ready=beats,
        serves=beats,
        after_preparing=IN_THE_PAUSE,
    )


def _crm(layout: Layout) -> Server:
    """Waits for its databases itself, so it starts beside them."""
    return Server(
        name="crm",
        component="crm",
        region=None,
        argv=python("keelwatch.sandbox.crm", str(layout.folder)),
        ready=(healthy := partial(answers_http, layout.ports["crm"], "/metrics")),
        serves=healthy,
        after_preparing=IN_THE_PAUSE,
    )


def _customers(layout: Layout) -> Server:
    """Last: the first request already finds a whole portal, and Prometheus counts it."""

    async def always() -> bool:
        return True

    everything = ("haproxy", "prometheus", "postgres-east", "redis-east", "west-billing", "east-billing")
    return Server(
        name="customers",
        component="customers",
        region=None,
        argv=python("keelwatch.sandbox.customers", str(layout.folder)),
        ready=always,
        serves=always,
        needs=everything,
    )
