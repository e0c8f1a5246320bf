"""What stands in the way of a fault, whether it is in force, and who has not come back from it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from keelwatch.sandbox import faults
from keelwatch.sandbox.children import State
from keelwatch.sandbox.ports import REGIONS
from keelwatch.sandbox.servers import postgres
from keelwatch.workspace import UsageError
from keelwatch.workspace.faults import FAULTS

if TYPE_CHECKING:
    from keelwatch.sandbox.supervisor import Supervisor

FELLED = (*faults.STOP_PROCESSES, "crash", "reload")


@dataclass(frozen=True, slots=True)
class Look:
    """`wanted` is what would be set, and None when nobody wants it; `refusal` why it cannot be. `now` is in
    force. `strikes` names the processes it stops; `unwell` says who has not come back from such a fault,
    other faults apart."""

    wanted: faults.Fault | None
    refusal: str
    now: faults.Fault | None
    strikes: tuple[str, ...]
    unwell: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        told = {"refusal": self.refusal, "strikes": list(self.strikes), "unwell": list(self.unwell)}
        return {**told, "wanted": _json(self.wanted), "now": _json(self.now)}


async def look(supervisor: Supervisor, kind: faults.Fault, *, is_wanted: bool) -> Look:
    """`kind` tells which fault and where; what it is to be when `is_wanted`."""
    stops = kind.kind in FELLED
    return Look(
        wanted=kind if is_wanted else None,
        refusal=await _refusal(supervisor, kind) if is_wanted else "",
        now=supervisor.active(kind.id),
        strikes=tuple(one.server.name for one in supervisor.processes_of(kind)) if stops else (),
        unwell=await _unwell(supervisor, kind),
    )


async def kinds(supervisor: Supervisor) -> list[dict[str, str]]:
    """Every fault there is, with a value that it takes, and why it cannot be set as things stand."""
    now = time.time()
    found = []
    for component, names in FAULTS.items():
        for name in names:
            target, value = f"{component}.{name}", faults.EXAMPLES.get(name, "on")
            refusal = await _refusal(supervisor, faults.parse(target, value, "all", None, now))
            found.append({"target": target, "value": value, "refusal": refusal})
    return found


async def _refusal(supervisor: Supervisor, fault: faults.Fault) -> str:
    try:
        await supervisor.refuse_impossible(fault)
    except UsageError as error:
        return error.message
    return ""


async def _unwell(supervisor: Supervisor, kind: faults.Fault) -> tuple[str, ...]:
    if kind.target == "database.paused":
        return await _paused(supervisor, kind)
    if kind.kind not in FELLED:
        return ()
    others = [one for one in supervisor.faults.values() if one.kind in faults.STOP_PROCESSES]
    excused = {keeper.server.name for one in others for keeper in supervisor.processes_of(one)}
    found = [one for one in supervisor.processes_of(kind) if one.state is not State.READY]
    return tuple(f"{one.server.name} {one.state}" for one in found if one.server.name not in excused)


async def _paused(supervisor: Supervisor, kind: faults.Fault) -> tuple[str, ...]:
    others = [one for one in supervisor.faults.values() if one.target == kind.target]
    regions = [region for region in REGIONS if kind.strikes(region)]
    free = [region for region in regions if not any(one.strikes(region) for one in others)]
    paused = await asyncio.gather(*(postgres.is_paused(supervisor.layout, region) for region in free))
    return tuple(
        f"postgres-{region} replays nothing" for region, is_so in zip(free, paused, strict=True) if is_so
    )


def _json(fault: faults.Fault | None) -> dict[str, object] | None:
    return None if fault is None else asdict(fault)
