"""`estate.json`: how to administer the edge, the databases and the caches of a running sandbox (0600)."""

from __future__ import annotations

import json

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.ports import REGIONS, WORKERS
from keelwatch.sandbox.servers import haproxy


def estate_document(layout: Layout) -> str:
    """What an administrator of the sandbox's parts has to know, as JSON: it holds passwords."""

    def places(service: str) -> dict[str, object]:
        return {region: {"host": "127.0.0.1", "port": layout.port(service, region)} for region in REGIONS}

    words = layout.passwords
    document = {
        "edge": {
            "socket": str(layout.folder / haproxy.SOCKET),
            "backend": "portal",
            "servers": {region: [f"{region}-{number}" for number in WORKERS] for region in REGIONS},
        },
        "database": {
            "user": "postgres",
            "password": words.postgres,
            "name": "portal",
            "regions": places("postgres"),
        },
        "cache": {"password": words.redis, "regions": places("redis")},
    }
    return json.dumps(document, indent=1)
