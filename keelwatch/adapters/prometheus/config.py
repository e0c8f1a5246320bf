"""Where a Prometheus is and how to get in."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from keelwatch.workspace.secret import Secret


@dataclass(frozen=True, slots=True)
class Basic:
    username: str
    password: Secret

    def header(self) -> str:
        # RFC 7617: UTF-8. The client library would send Latin-1 and fail on other names.
        pair = f"{self.username}:{self.password.reveal()}"
        return "Basic " + base64.b64encode(pair.encode()).decode()


@dataclass(frozen=True, slots=True)
class Bearer:
    token: Secret

    def header(self) -> str:
        return f"Bearer {self.token.reveal()}"


@dataclass(frozen=True, slots=True)
class PrometheusConfig:
    """`url` is the base without /api/v1. `ca` is a PEM file (default: the public CAs).

    `connect_s` and `read_s` bound one request, all of it: a server that drips cannot hold it longer.
    """

    url: str
    ca: Path | None = None
    auth: Basic | Bearer | None = None
    tenant: str | None = None
    connect_s: float = 2.0
    read_s: float = 3.0
    max_in_flight: int = 4
    max_answer_bytes: int = 256 * 1024 * 1024

    @property
    def shown(self) -> str:
        """The address without anything that may be a credential."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path.rstrip('/')}"
