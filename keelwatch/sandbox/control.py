"""The control socket: one JSON object per line in, one per line out. Private to the user (0600).

    {"do": "status"}                                         -> {"ok": true, "status": {...}}
    {"do": "fault-set", "target", "value", "region", "for_s"} -> {"ok": true, "faults": [...]}
        and perhaps "holder", and "not_after" (boot time, s): what is read later is refused
    {"do": "fault-look", "target", "region", "value"?, "for_s"?} -> {"ok": true, "look": {...}}
    {"do": "fault-kinds"}                                    -> {"ok": true, "kinds": [...]}: all there are
    {"do": "fault-list"}                                     -> {"ok": true, "faults": [...]}
    {"do": "fault-clear", "target"}                          -> {"ok": true, "faults": [those cleared]}
        and perhaps "holder": only what it set
    {"do": "rejoin", "component", "region"}                  -> {"ok": true, "rejoined": {...}}
    {"do": "flag-set", "flag", "values": {region: bool}}     -> {"ok": true, "flags": {...}}
    {"do": "sessions-revoke", "accounts": [...]|null, "begun_before": Unix s|null}
                                                             -> {"ok": true, "ended": tokens}
    {"do": "sessions-left", as above}                        -> {"ok": true, "left": {...}}
    {"do": "down"}                                           -> {"ok": true}, then everything ends

A refusal is `{"ok": false, "error": ..., "hint": ..., "usage": true|false}`.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import time
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.sandbox import faults
from keelwatch.sandbox.after_faults import Look, kinds, look
from keelwatch.sandbox.flags import Flags
from keelwatch.workspace import ExitCode, KeelwatchError, UsageError

if TYPE_CHECKING:
    from keelwatch.sandbox.supervisor import Supervisor

SOCKET = "control.sock"
LONGEST_LINE = 65_536


@asynccontextmanager
async def listening(supervisor: Supervisor) -> AsyncIterator[None]:
    server = await asyncio.start_unix_server(
        partial(_converse, supervisor), sock=_bind(supervisor.layout.folder), limit=LONGEST_LINE
    )
    try:
        yield
    finally:
        server.close()
        (supervisor.layout.folder / SOCKET).unlink(missing_ok=True)


def _bind(folder: Path) -> socket.socket:
    """Bound through the folder's descriptor: a unix socket's path is limited to 107 characters."""
    (folder / SOCKET).unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    handle = os.open(folder, os.O_PATH)
    before = os.umask(0o177)
    try:
        listener.bind(f"/proc/self/fd/{handle}/{SOCKET}")
    finally:
        os.umask(before)
        os.close(handle)
    return listener


async def _converse(
    supervisor: Supervisor, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        while line := await reader.readline():
            writer.write(json.dumps(await _answer(supervisor, line)).encode() + b"\n")
            await writer.drain()
    except (OSError, ValueError):
        return  # the other side left, or sent a line without end
    finally:
        writer.close()


async def _answer(supervisor: Supervisor, line: bytes) -> Mapping[str, object]:
    try:
        request = json.loads(line)
        if not isinstance(request, dict):
            raise UsageError("a request is a JSON object")
        return {"ok": True} | await _act(supervisor, request)
    except ValueError:
        return {"ok": False, "error": "not JSON", "hint": "", "usage": True}
    except KeelwatchError as error:
        usage = error.exit_code is ExitCode.USAGE
        return {"ok": False, "error": error.message, "hint": error.hint, "usage": usage}


async def _act(supervisor: Supervisor, request: dict[str, object]) -> dict[str, object]:
    match request.get("do"):
        case "status":
            return {"status": _status(supervisor)}
        case str(do) if do.startswith("fault-"):
            return await _act_on_faults(supervisor, do, request)
        case "rejoin":
            _refuse_while_starting(supervisor)
            component, region = str(request.get("component", "")), str(request.get("region", ""))
            return {"rejoined": asdict(await supervisor.rejoin(component, region))}
        case "flag-set":
            changed = supervisor.set_flag(str(request.get("flag", "")), request.get("values"))
            return {"flags": _flags(changed)}
        case "sessions-revoke":
            _refuse_while_starting(supervisor)
            from keelwatch.sandbox.portal import revocation

            return {"ended": await revocation.revoke(supervisor.layout, *_whose(request))}
        case "sessions-left":
            from keelwatch.sandbox.portal import revocation

            tokens = await revocation.left(supervisor.layout, *_whose(request))
            return {"left": {"tokens": tokens, "down": supervisor.down("cache")}}
        case "down":
            asyncio.get_running_loop().call_soon(supervisor.stop_asked.set)
            return {}
        case other:
            raise UsageError(f"no request is called {other!r}")


async def _act_on_faults(supervisor: Supervisor, do: str, request: dict[str, object]) -> dict[str, object]:
    match do:
        case "fault-set":
            _refuse_while_starting(supervisor)
            _refuse_late(request)
            fault = _parse(request)
            await supervisor.set_fault(fault)
            return {"faults": _as_json([fault])}
        case "fault-list":
            return {"faults": _as_json(supervisor.faults.values())}
        case "fault-clear":
            cleared = await supervisor.clear_faults(_target(request), str(request.get("holder", "")))
            return {"faults": _as_json(cleared)}
        case "fault-look":
            _refuse_while_starting(supervisor)
            return {"look": (await _look(supervisor, request)).as_json()}
        case "fault-kinds":
            _refuse_while_starting(supervisor)
            return {"kinds": await kinds(supervisor)}
        case other:
            raise UsageError(f"no request is called {other!r}")


def _refuse_while_starting(supervisor: Supervisor) -> None:
    if not supervisor.is_ready:
        raise UsageError("the sandbox is still starting", "wait until `keelwatch sandbox up` returns")


def _parse(request: Mapping[str, object]) -> faults.Fault:
    for_s = request.get("for_s")
    if for_s is not None and not isinstance(for_s, int | float):
        raise UsageError("for_s is a number of seconds")
    target, value = str(request.get("target", "")), str(request.get("value", ""))
    region, holder = str(request.get("region") or "all"), str(request.get("holder", ""))
    return faults.parse(target, value, region, for_s, time.time(), holder)


async def _look(supervisor: Supervisor, request: Mapping[str, object]) -> Look:
    if "value" in request:
        return await look(supervisor, _parse(request), is_wanted=True)
    target, now = _target(request) or "", time.time()
    component, _, kind = target.partition(".")
    region = faults.region_of(str(request.get("region") or "all"))
    asked = faults.Fault(faults.id_of(target, region), component, kind, 1.0, region, now, now)
    return await look(supervisor, asked, is_wanted=False)


def _refuse_late(request: Mapping[str, object]) -> None:
    """Who asked has given up meanwhile, and may have looked already and found nothing."""
    not_after = request.get("not_after")
    if isinstance(not_after, int | float) and time.clock_gettime(time.CLOCK_BOOTTIME) > not_after:
        raise UsageError("the request came too late, and was not heeded")


def _whose(request: Mapping[str, object]) -> tuple[list[str] | None, float | None]:
    """The accounts, and before when their sessions began. Raises `UsageError`."""
    accounts, moment = request.get("accounts"), request.get("begun_before")
    if accounts is not None and (not isinstance(accounts, list) or not accounts):
        raise UsageError("accounts is a list of names, or null for everybody")
    if moment is not None and (isinstance(moment, bool) or not isinstance(moment, int | float)):
        raise UsageError("begun_before is a Unix time in seconds, or null")
    return None if accounts is None else [str(one) for one in accounts], moment


def _flags(found: Flags) -> dict[str, dict[str, bool]]:
    return {flag: dict(values) for flag, values in found.items()}


def _target(request: Mapping[str, object]) -> str | None:
    target = request.get("target")
    if target is None:
        return None
    faults.refuse_unknown_target(str(target))
    return str(target)


def _as_json(found: Iterable[faults.Fault]) -> list[dict[str, object]]:
    return [asdict(fault) for fault in found]


def _status(supervisor: Supervisor) -> dict[str, object]:
    servers = [
        {
            "name": keeper.server.name,
            "component": keeper.server.component,
            "region": keeper.server.region,
            "state": keeper.state.value,
            "pid": keeper.child.pid if keeper.child else None,
            "restarts": keeper.restarts,
        }
        for keeper in supervisor.keepers.values()
    ]
    return {
        "name": supervisor.layout.name,
        "id": supervisor.layout.id,
        "state": "ready" if supervisor.is_ready else "starting",
        "started": supervisor.started,
        "backfill_until": supervisor.backfill_until,
        "supervisor_pid": os.getpid(),
        "urls": dict(supervisor.endpoints().urls),
        "servers": servers,
        "faults": _as_json(supervisor.faults.values()),
        "flags": _flags(supervisor.flags),
    }
