"""The one shape of every JSON document the commands print."""

from __future__ import annotations

import json
from collections.abc import Mapping

from keelwatch.workspace import write_out

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]


def emit_json(command: str, environment: str | None, at: float, body: Mapping[str, object]) -> None:
    """One document: schema, time (Unix seconds) and environment first, then `body`."""
    head = {"schema": f"keelwatch/{command}/1", "at": at, "environment": environment}
    write_out(json.dumps({**head, **body}, indent=2, ensure_ascii=False))
