"""Reading the mail of synthetic customers, from a Mailpit or whatever answers its API."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from keelwatch.workspace.errors import SourceError
from probes.expression import find
from probes.wire import Trust

if TYPE_CHECKING:
    from pathlib import Path

    import httpx

PAUSE_S = 0.2
REQUEST_S = 5.0


@dataclass(frozen=True, slots=True)
class Letter:
    """`text` is the plain part, or the HTML where there is none."""

    id: str
    subject: str
    text: str


async def wait_for_letter(api: str, ca: Path | None, to: str, subject: str | None, since: float) -> Letter:
    """The first letter to `to` that arrived after `since` (Unix s) and whose subject fits; waits until the
    caller's deadline. Matches the address exactly, as several customers share a mail server.

    Raises `SourceError` when the mail cannot be read at all.
    """
    import httpx

    async with httpx.AsyncClient(
        base_url=api, verify=Trust.of(ca).context, timeout=REQUEST_S, trust_env=False
    ) as client:
        while True:
            for found in await _letters(client, to):
                if _arrived(found) >= since and _fits(subject, str(found.get("Subject", ""))):
                    return await _opened(client, str(found["ID"]))
            await asyncio.sleep(PAUSE_S)


def _fits(subject: str | None, found: str) -> bool:
    return subject is None or find(subject, found) is not None


async def _letters(client: httpx.AsyncClient, to: str) -> list[dict[str, Any]]:
    found = await _asked(client, f"/api/v1/search?query={quote(f'to:"{to}"')}&limit=20")
    letters = found.get("messages")
    if not isinstance(letters, list):
        raise SourceError("the mail API answers something else than a list of messages")
    mine = [one for one in letters if isinstance(one, dict) and _is_to(one, to)]
    return sorted(mine, key=_arrived)


def _is_to(letter: dict[str, Any], to: str) -> bool:
    receivers = letter.get("To") or []
    return any(str(one.get("Address", "")).lower() == to.lower() for one in receivers)


def _arrived(letter: dict[str, Any]) -> float:
    try:
        return datetime.fromisoformat(str(letter["Created"])).timestamp()
    except (KeyError, ValueError):
        return 0.0


async def _opened(client: httpx.AsyncClient, letter: str) -> Letter:
    found = await _asked(client, f"/api/v1/message/{quote(letter, safe='')}")
    return Letter(letter, str(found.get("Subject", "")), str(found.get("Text") or found.get("HTML") or ""))


async def _asked(client: httpx.AsyncClient, path: str) -> dict[str, Any]:
    import httpx

    try:
        answer = await client.get(path)
        found = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise SourceError(f"the mail at {client.base_url} cannot be read: {type(error).__name__}") from None
    if answer.status_code != 200 or not isinstance(found, dict):
        raise SourceError(f"the mail at {client.base_url} cannot be read: status {answer.status_code}")
    return found
