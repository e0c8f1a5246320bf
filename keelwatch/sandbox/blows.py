"""What happens once: a crash, a reload. Done, seen to have happened, and remembered for whoever will ask.

A blow with a holder counts until its end, and is never struck twice for the same holder: who does not know
whether a request arrived may send it again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from keelwatch.sandbox.layout import Layout
from keelwatch.sandbox.servers import haproxy
from keelwatch.workspace import SourceError, UsageError

if TYPE_CHECKING:
    from keelwatch.sandbox.children import Keeper
    from keelwatch.sandbox.faults import Fault

REMEMBERED_S = 600.0
DIES_WITHIN_S = 2.0
LOOK_S = 0.02


@dataclass(frozen=True, slots=True)
class Seen:
    """A server's restart counter before the blow."""

    keeper: Keeper
    restarts: int

    def has_died(self) -> bool:
        return self.keeper.restarts > self.restarts


class Blows:
    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._remembered: list[Fault] = []

    def counting(self, id_: str) -> Fault | None:
        """The blow that counts now; one without a holder never does."""
        now = time.time()
        return next((one for one in self._remembered if one.id == id_ and one.until > now), None)

    def forget(self, target: str | None, holder: str) -> list[Fault]:
        """They count no more, those of `target` (a component, `billing.crash` or an id) and holder."""
        now = time.time()
        asked = [one for one in self._remembered if target in {None, one.component, one.target, one.id}]
        gone = [one for one in asked if one.until > now and holder in {"", one.holder}]
        self._remembered = [replace(one, until=now) if one in gone else one for one in self._remembered]
        return gone

    async def strike(self, fault: Fault, keepers: Sequence[Keeper]) -> None:
        """It has happened when this returns: who crashed was seen to die, who reloaded answers anew.

        Raises `UsageError` when nobody lives who could crash, `SourceError` when it was not seen.
        """
        if fault.holder and any(
            one.holder == fault.holder and one.id == fault.id for one in self._remembered
        ):
            return
        if fault.kind == "crash":
            await self._crash(keepers)
        else:
            for keeper in keepers:
                await haproxy.reload(self._layout, keeper.reload)
        self._remember(fault)

    async def _crash(self, keepers: Sequence[Keeper]) -> None:
        before = [Seen(keeper, keeper.restarts) for keeper in keepers if keeper.lives]
        if not before:
            raise UsageError("none of its processes runs: nothing can crash", "keelwatch sandbox status")
        for seen in before:
            seen.keeper.crash()
        deadline = time.monotonic() + DIES_WITHIN_S
        while alive := [seen.keeper.server.name for seen in before if not seen.has_died()]:
            if time.monotonic() > deadline:
                raise SourceError(f"{', '.join(alive)} was killed and not seen to die", "look at its log")
            await asyncio.sleep(LOOK_S)

    def _remember(self, fault: Fault) -> None:
        now = time.time()
        self._remembered = [one for one in self._remembered if one.until > now - REMEMBERED_S]
        if fault.holder:
            self._remembered.append(fault)
