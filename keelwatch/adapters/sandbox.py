"""The sandbox, over its control socket: what runs, what is broken, break and mend; its portal's switches and
sessions.

Knows the socket and `endpoints.json` only; it imports nothing of the sandbox itself. Every function raises
`SourceError` when the sandbox does not run, and `UsageError` when it refuses what was asked or the name
cannot be a sandbox's.
"""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from keelwatch.workspace import KeelwatchError, SourceError, UnknownResult, UsageError, sandbox_dir

SOCKET = "control.sock"
ANSWER_SECONDS = 15.0  # clearing a `down` waits until processes have stopped or started
REJOIN_SECONDS = 90.0  # a big database is copied anew when it cannot be rewound
START_HINT = "keelwatch sandbox up"
STATUS_HINT = "keelwatch sandbox status"


@dataclass(frozen=True, slots=True)
class SandboxFault:
    """`amount`: a ratio 0..1 (errors), seconds (latency, slow-body), else 1; `region` None is all. Times are
    Unix s. `holder`: the mark of the run's act that set it; empty for a person's."""

    id: str
    component: str
    kind: str
    amount: float
    region: str | None
    since: float
    until: float
    holder: str = ""

    @property
    def target(self) -> str:
        return f"{self.component}.{self.kind}"


@dataclass(frozen=True, slots=True)
class FaultLook:
    """`wanted`: the fault that was asked about, None without a value; `refusal`: why it cannot be set as
    things stand. `now`: the one in force of its kind and region, whoever set it; a crash counts to its end.
    `strikes`: the processes it stops. `unwell`: who has not come back from such a fault, in words."""

    wanted: SandboxFault | None
    refusal: str
    now: SandboxFault | None
    strikes: tuple[str, ...]
    unwell: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """A fault there is: `value` is one that it could take, `refusal` why it cannot be set as things stand."""

    target: str
    value: str
    refusal: str


@dataclass(frozen=True, slots=True)
class SandboxServer:
    """`state`: waiting, starting, ready, held (by a fault), crashed, ended."""

    name: str
    component: str
    region: str | None
    state: str
    pid: int | None
    restarts: int


@dataclass(frozen=True, slots=True)
class SandboxRejoined:
    """The server of `region` is a replica of `primary`'s now. `by` says how it became one: `nothing` was
    needed, `rewind`, `copy` (of all data), or `replicaof`."""

    component: str
    region: str
    primary: str
    by: str


@dataclass(frozen=True, slots=True)
class SessionsLeft:
    """`tokens`: how many each region's server still lets in; None when it does not answer. `down` are the
    regions where none runs, which remember nothing when they come back."""

    tokens: Mapping[str, int | None]
    down: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SandboxStatus:
    """History before `backfill_until` (Unix s) was loaded, not lived. `flags`: by name and region."""

    name: str
    id: str
    state: str
    started: float
    backfill_until: float
    supervisor_pid: int
    urls: Mapping[str, str]
    servers: tuple[SandboxServer, ...]
    faults: tuple[SandboxFault, ...]
    flags: Mapping[str, Mapping[str, bool]]


def status(name: str = "main", within_s: float = ANSWER_SECONDS) -> SandboxStatus:
    """What runs, and which faults are active; a supervisor silent for `within_s` counts as not running."""
    told = _ask(name, {"do": "status"}, "status", within_s)
    try:
        servers = tuple(SandboxServer(**server) for server in told["servers"])
        rest = {field: value for field, value in told.items() if field not in {"servers", "faults"}}
        return SandboxStatus(**rest, servers=servers, faults=_faults(name, told["faults"]))
    except (AttributeError, TypeError, KeyError):
        raise _nonsense(name) from None


def ask_access(name: str, within_s: float = 5.0) -> tuple[str, ...]:
    """What it takes to have the sandbox do something: its control socket, which has answered."""
    status(name, within_s)
    return (f"the control socket of sandbox {name}",)


def set_fault(
    target: str,
    value: str,
    *,
    region: str = "all",
    for_s: float | None = None,
    holder: str = "",
    name: str = "main",
    within_s: float = ANSWER_SECONDS,
) -> SandboxFault:
    """Break something: `billing.errors` by `100%`, `cache.latency` by `300ms`, `portal.down` by `on`; or make
    it wrong: `identity.enumeration` by `on`.

    In force on return; ends by itself after `for_s` (default 300 s). A `crash` happens once. With a `holder`
    it replaces nobody else's fault, and a crash happens once for that holder, however often it is asked for.
    Raises `UnknownResult` when there is no answer `within_s`; after that it can no longer land.
    """
    late = _late(name, within_s, f"{target} may be set")
    asked = {"target": target, "value": value, "region": region, "for_s": for_s, "holder": holder}
    not_after = time.clock_gettime(time.CLOCK_BOOTTIME) + within_s
    request = {"do": "fault-set", **asked, "not_after": not_after}
    return _faults(name, _ask(name, request, "faults", within_s, late))[0]


def look_at_fault(
    target: str,
    value: str = "",
    *,
    region: str = "all",
    for_s: float | None = None,
    name: str = "main",
    within_s: float = ANSWER_SECONDS,
) -> FaultLook:
    """Whether a fault is in force and who suffers of it; with a `value`, whether it could be set."""
    wanted = {"value": value, "for_s": for_s} if value else {}
    request = {"do": "fault-look", "target": target, "region": region, **wanted}
    told = _ask(name, request, "look", within_s)
    try:
        found = {key: SandboxFault(**told[key]) if told[key] else None for key in ("wanted", "now")}
        texts = {key: tuple(str(one) for one in told[key]) for key in ("strikes", "unwell")}
        return FaultLook(**found, **texts, refusal=str(told["refusal"]))  # type: ignore[arg-type]  # by key
    except (TypeError, KeyError):
        raise _nonsense(name) from None


def fault_kinds(name: str = "main", within_s: float = ANSWER_SECONDS) -> tuple[FaultKind, ...]:
    """Every fault there is."""
    told = _ask(name, {"do": "fault-kinds"}, "kinds", within_s)
    try:
        return tuple(FaultKind(**kind) for kind in told)
    except TypeError:
        raise _nonsense(name) from None


def is_gone(name: str) -> bool:
    """Whether nobody listens there: its processes died with their supervisor, and its faults with them."""
    try:
        _exchange(name, b"\n", 1.0)
    except (ConnectionRefusedError, FileNotFoundError):
        return True
    except OSError:
        pass
    return False


def faults(name: str = "main") -> tuple[SandboxFault, ...]:
    """Those active now."""
    return _faults(name, _ask(name, {"do": "fault-list"}, "faults"))


def clear_faults(
    target: str | None = None,
    *,
    holder: str = "",
    name: str = "main",
    within_s: float = ANSWER_SECONDS,
) -> tuple[SandboxFault, ...]:
    """End all faults, or those of a component (`billing`), a target (`billing.errors`) or an id, and of these
    only the `holder`'s if one is named; returns what was ended. What a fault stopped is starting again on
    return. Raises `UnknownResult` when there is no answer `within_s`."""
    request = {"do": "fault-clear", "target": target, "holder": holder}
    late = _late(name, within_s, "faults may be cleared")
    return _faults(name, _ask(name, request, "faults", within_s, late))


def rejoin(
    component: str, region: str, *, name: str = "main", within_s: float = REJOIN_SECONDS
) -> SandboxRejoined:
    """Make the `database` or `cache` of `region` a replica of the one that is primary now; what only it had
    is lost. It streams on return. Doing it again changes nothing. Refused while nobody else is primary.

    Raises `UnknownResult` when there is no answer `within_s`.
    """
    request = {"do": "rejoin", "component": component, "region": region}
    late = _late(name, within_s, f"the {component} of {region} may be rejoining still")
    told = _ask(name, request, "rejoined", within_s, late)
    try:
        return SandboxRejoined(**told)
    except TypeError:
        raise _nonsense(name) from None


def set_flag(
    flag: str, values: Mapping[str, bool], *, name: str = "main", within_s: float = ANSWER_SECONDS
) -> Mapping[str, bool]:
    """Switch `flag` of the portal in the regions of `values`; returns how it is in all. Workers look before
    each request. Raises `UnknownResult` when there is no answer `within_s`."""
    late = _late(name, within_s, f"the flag {flag} may be set")
    told = _ask(name, {"do": "flag-set", "flag": flag, "values": dict(values)}, "flags", within_s, late)
    try:
        return {str(region): bool(value) for region, value in told[flag].items()}
    except (AttributeError, TypeError, KeyError):
        raise _nonsense(name) from None


def revoke_sessions(
    accounts: Sequence[str] | None,
    begun_before: float | None = None,
    *,
    name: str = "main",
    within_s: float = ANSWER_SECONDS,
) -> int:
    """End the sessions of `accounts` (None: of everybody) that began before that Unix time (None: all);
    returns how many tokens died. Raises `UnknownResult` when there is no answer `within_s`."""
    late = _late(name, within_s, "sessions may have been ended")
    told = _ask(name, _of_sessions("sessions-revoke", accounts, begun_before), "ended", within_s, late)
    if not isinstance(told, int):
        raise _nonsense(name)
    return told


def sessions_left(
    accounts: Sequence[str] | None,
    begun_before: float | None = None,
    *,
    name: str = "main",
    within_s: float = ANSWER_SECONDS,
) -> SessionsLeft:
    """What is left of the sessions that `revoke_sessions` would end."""
    told = _ask(name, _of_sessions("sessions-left", accounts, begun_before), "left", within_s)
    try:
        tokens = {str(region): None if one is None else int(one) for region, one in told["tokens"].items()}
        return SessionsLeft(tokens, tuple(str(region) for region in told["down"]))
    except (AttributeError, TypeError, KeyError, ValueError):
        raise _nonsense(name) from None


def _of_sessions(do: str, accounts: Sequence[str] | None, begun_before: float | None) -> dict[str, object]:
    whose = None if accounts is None else list(accounts)
    return {"do": do, "accounts": whose, "begun_before": begun_before}


def _late(name: str, within_s: float, what: str) -> UnknownResult:
    return UnknownResult(
        f"the sandbox {name} did not answer within {within_s:g} s: {what}", f"see what it does: {STATUS_HINT}"
    )


def _faults(name: str, found: Any) -> tuple[SandboxFault, ...]:
    try:
        return tuple(SandboxFault(**fault) for fault in found)
    except TypeError:
        raise _nonsense(name) from None


def _ask(
    name: str,
    request: Mapping[str, object],
    wanted: str,
    within_s: float = ANSWER_SECONDS,
    late: KeelwatchError | None = None,
) -> Any:
    """What the supervisor answers under `wanted`: JSON, parsed by the caller before it goes any further.
    `late` is raised when there is no answer in time."""
    try:
        answer = json.loads(_exchange(name, json.dumps(request).encode() + b"\n", within_s))
    except TimeoutError:
        raise late or SourceError(
            f"the sandbox {name} did not answer within {within_s:g} s", "keelwatch sandbox down, then up"
        ) from None
    except OSError:
        raise SourceError(f"the sandbox {name} is not running", START_HINT) from None
    except ValueError:
        raise _nonsense(name) from None
    if answer.get("ok"):
        return answer[wanted]
    kind = UsageError if answer.get("usage") else SourceError
    raise kind(str(answer.get("error")), str(answer.get("hint", "")))


def _exchange(name: str, line: bytes, within_s: float) -> bytes:
    # Through the folder's descriptor: a unix socket's path is limited to 107 characters.
    handle = os.open(sandbox_dir(name), os.O_PATH)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(within_s)
            client.connect(f"/proc/self/fd/{handle}/{SOCKET}")
            client.sendall(line)
            with client.makefile("rb") as answers:
                return answers.readline()
    finally:
        os.close(handle)


def _nonsense(name: str) -> SourceError:
    return SourceError(
        f"the supervisor of sandbox {name} answered something else than expected",
        "it may be of another version: keelwatch sandbox down, then up",
    )
