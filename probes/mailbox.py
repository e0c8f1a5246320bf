"""Reading the mail of synthetic customers, from a Mailpit or whatever answers its API.

Which letters are new is told by those that were there before, never by a clock: the mail server's and ours
need not agree.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote, urlsplit

from keelwatch.workspace.entrance import Entrance, address_of
from keelwatch.workspace.errors import SourceError
from probes.answer import Answer, NotJson
from probes.aside import aside
from probes.expression import find
from probes.wire import NotOurs, Trust, Wire, WireFailure, WireRequest

PAUSE_S = 0.2
REQUEST_S = 5.0
LOOKED_AT = 50  # letters to one address, the newest


@dataclass(frozen=True, slots=True)
class Letter:
    """`text` is the plain part, or the HTML where there is none. `missing_at`: when the last look began that
    did not show it, None when the first one did; `seen_at`: when the one ended that did (monotonic s)."""

    id: str
    subject: str
    text: str
    missing_at: float | None
    seen_at: float


@dataclass(frozen=True, slots=True)
class Missing:
    """What is known while a letter does not come: how many others did."""

    others: int


class Mailbox:
    """The mail of one execution, over a wire of its own. Every method raises `SourceError` when the mail
    cannot be read."""

    def __init__(self, entrance: Entrance, beside: Wire) -> None:
        self._api = entrance.mail_api.rstrip("/")
        self._wire = beside.beside(Trust.of(entrance.mail_ca), frozenset({address_of(self._api)}))
        self._known: dict[str, set[str]] = {}
        self._open = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._open.enter_async_context(self._wire)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._open.aclose()

    async def note_what_is_there(self, addresses: Iterable[str]) -> None:
        """Letters to `addresses` that are there now are old ones from here on."""
        for to in dict.fromkeys(addresses):
            self._old(to).update(str(one["ID"]) for one in await self._letters(to))

    async def wait_for_letter(
        self, to: str, subject: str | None, looked: Callable[[Missing], None] = lambda _: None
    ) -> Letter:
        """The first new letter to `to` whose subject fits, which is an old one then; waits until the caller's
        deadline, and tells `looked` after each look without it. Matches the address exactly, as several
        customers share a mail server."""
        missing_at: float | None = None
        while True:
            began = time.monotonic()
            new = [one for one in await self._letters(to) if str(one["ID"]) not in self._old(to)]
            seen_at = time.monotonic()
            for found in new:
                if await _fits(subject, str(found.get("Subject", ""))):
                    self._old(to).add(str(found["ID"]))
                    return await self._opened(str(found["ID"]), missing_at, seen_at)
            looked(Missing(len(new)))
            missing_at = began
            await asyncio.sleep(PAUSE_S)

    def _old(self, to: str) -> set[str]:
        return self._known.setdefault(to.lower(), set())

    async def _letters(self, to: str) -> list[dict[str, Any]]:
        """Oldest first."""
        found = await self._asked(f"/api/v1/search?query={quote(f'to:"{to}"')}&limit={LOOKED_AT}")
        letters = found.get("messages")
        if not isinstance(letters, list):
            raise SourceError("the mail API answers something else than a list of messages")
        mine = [one for one in letters if isinstance(one, dict) and "ID" in one and _is_to(one, to)]
        return sorted(mine, key=_arrived)

    async def _opened(self, letter: str, missing_at: float | None, seen_at: float) -> Letter:
        found = await self._asked(f"/api/v1/message/{quote(letter, safe='')}")
        text = str(found.get("Text") or found.get("HTML") or "")
        return Letter(letter, str(found.get("Subject", "")), text, missing_at, seen_at)

    async def _asked(self, path: str) -> dict[str, Any]:
        try:
            async with asyncio.timeout(REQUEST_S):
                answer: Answer = await self._wire.send(WireRequest("GET", self._api + path))
            found = answer.json
        except TimeoutError:
            raise self._unreadable(f"no answer within {REQUEST_S:g} s") from None
        except WireFailure as failure:
            raise self._unreadable(failure.reason) from None
        except NotJson as error:
            raise self._unreadable(f"not JSON: {error}") from None
        except NotOurs as refusal:
            raise self._unreadable(refusal.message) from None
        if answer.status != 200 or not isinstance(found, dict):
            raise self._unreadable(f"status {answer.status}")
        return found

    def _unreadable(self, why: str) -> SourceError:
        return SourceError(f"the mail at {urlsplit(self._api).hostname} cannot be read: {why}")


async def _fits(subject: str | None, found: str) -> bool:
    return subject is None or await aside("expressions", partial(find, subject, found)) is not None


def _is_to(letter: dict[str, Any], to: str) -> bool:
    receivers = letter.get("To") or []
    return any(str(one.get("Address", "")).lower() == to.lower() for one in receivers)


def _arrived(letter: dict[str, Any]) -> float:
    """By the mail server's clock, which only says what came first."""
    try:
        return datetime.fromisoformat(str(letter["Created"])).timestamp()
    except (KeyError, ValueError):
        return 0.0
