"""Every server of the lean sandbox, and what each needs before it starts."""

from __future__ import annotations

from functools import partial
from pathlib import Path

from keelwatch.sandbox.find_servers import Servers
from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import REGIONS, WORKERS
from keelwatch.sandbox.servers import haproxy, postgres, prometheus, redis
from keelwatch.sandbox.servers.server import Server, answers_http, python


def servers_of(layout: Layout, servers: Servers, template: Path, backfill_until: float) -> list[Server]:
    """In the order in which they may start; `needs` says what each waits for."""
    return [
        *postgres.servers_of(layout, servers, template),
        *redis.servers_of(layout, servers),
        *(_billing(layout, region) for region in REGIONS),
        *(_worker(layout, region, number) for region in REGIONS for number in WORKERS),
        haproxy.server_of(layout, servers),
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
