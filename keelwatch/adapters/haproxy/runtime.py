"""HAProxy's runtime API: a line over its admin socket, and what it answers, strictly read.

Raises `SourceError` naming the socket, the server and what to do. Every exchange is a connection of its own
and bounded in time; what could not be sent whole in time is not carried out.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keelwatch.adapters.patience import Deadline
from keelwatch.workspace.errors import Refused, SourceError, UsageError
from keelwatch.workspace.estate import Edge

ANSWER_S = 3.0
LONGEST = 4_000_000
STATE_FORMAT = "1"
ADMIN, LESSER = "admin", frozenset({"user", "operator"})
RUNNING = 2  # operational states: 0 stopped, 1 starting (slow start), 2 running, 3 stopping
MAINTENANCE = 0x01 | 0x02 | 0x20 | 0x40  # forced, inherited, no address, no such host name
DRAINING = 0x08 | 0x10  # forced, inherited


@dataclass(frozen=True, slots=True)
class EdgeServer:
    """`weight` now, `configured` after a reload; `sessions` are those it serves now. `is_up`: its check says
    so, and nobody took it out for maintenance."""

    name: str
    weight: int
    configured: int
    is_up: bool
    is_draining: bool
    is_maintained: bool
    sessions: int

    @property
    def serves(self) -> bool:
        """Whether new customers reach it."""
        return self.is_up and not self.is_draining and self.weight > 0

    @property
    def state(self) -> str:
        if self.is_maintained:
            return "MAINT"
        return "DOWN" if not self.is_up else "DRAIN" if self.is_draining else "UP"


def look(edge: Edge, within_s: float = ANSWER_S) -> dict[str, EdgeServer]:
    """Every server of the backend, as the edge sees it now."""
    deadline = Deadline.within(within_s)
    states = parse_states(edge, exchange(edge, f"show servers state {edge.backend}", deadline))
    sessions = parse_sessions(edge, exchange(edge, f"show stat {edge.backend} 4 -1", deadline))
    if states.keys() != sessions.keys():
        raise _nonsense(edge, "two lists of servers that differ; it may be reloading")
    found = {name: _server(name, row, sessions[name]) for name, row in states.items()}
    missing = [one for ones in edge.servers.values() for one in ones if one not in found]
    if missing:
        raise UsageError(
            f"the edge at {edge.socket} has no server {edge.backend}/{missing[0]}",
            f"it has: {', '.join(found)}; mend `edge.servers` in keelwatch.yaml",
        )
    return found


def command(edge: Edge, lines: Iterable[str], deadline: Deadline) -> None:
    """Carry out `lines` in order, in one go. A refusal is an error that repeats the edge's own words."""
    said = exchange(edge, ";".join(lines), deadline).strip()
    if said:
        denied = "ermission denied" in said
        hint = "the socket needs `level admin`" if denied else f"see: show servers state {edge.backend}"
        raise SourceError(f"the edge at {edge.socket} refused: {' '.join(said.split())[:300]}", hint)


def ask_access(edge: Edge) -> tuple[str, ...]:
    """What it takes to change weights and states. Raises `Refused` when the socket does not allow it."""
    level = exchange(edge, "show cli level", Deadline.within(ANSWER_S)).strip()
    if level in LESSER:
        raise Refused(
            f"whoever uses the edge's socket {edge.socket} has level {level}, and not {ADMIN}",
            "in HAProxy's configuration: `stats socket PATH level admin`, then reload it",
        )
    if level != ADMIN:
        raise _unexpected(edge, level)
    return (f"HAProxy's admin socket {edge.socket}, level {ADMIN}",)


def parse_states(edge: Edge, told: str) -> dict[str, Mapping[str, int]]:
    """The numbers of `show servers state`, by server."""
    lines = [line for line in told.splitlines() if line.strip()]
    if lines[:1] != [STATE_FORMAT] or len(lines) < 2 or not lines[1].startswith("# "):
        raise _unexpected(edge, told)
    names = lines[1].removeprefix("# ").split(" ")
    found: dict[str, Mapping[str, int]] = {}
    for line in lines[2:]:
        row = dict(zip(names, line.split(" "), strict=False))
        try:
            if row["be_name"] == edge.backend:
                wanted = ("srv_op_state", "srv_admin_state", "srv_uweight", "srv_iweight")
                found[row["srv_name"]] = {key: int(row[key]) for key in wanted}
        except (KeyError, ValueError):
            raise _unexpected(edge, told) from None
    return found


def parse_sessions(edge: Edge, told: str) -> dict[str, int]:
    """Sessions now of each server, from the CSV of `show stat`."""
    lines = [line for line in told.splitlines() if line.strip()]
    if not lines or not lines[0].startswith("# pxname,svname,"):
        raise _unexpected(edge, told)
    names = lines[0].removeprefix("# ").split(",")
    try:
        rows = [dict(zip(names, line.split(","), strict=False)) for line in lines[1:]]
        return {row["svname"]: int(row["scur"]) for row in rows if row["pxname"] == edge.backend}
    except (KeyError, ValueError):
        raise _unexpected(edge, told) from None


def exchange(edge: Edge, line: str, deadline: Deadline) -> str:
    """The answer to one line."""
    try:
        # Through the folder's descriptor: a unix socket's path is limited to 107 characters.
        handle = os.open(edge.socket.parent, os.O_PATH)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.settimeout(max(0.01, deadline.left_s))
                client.connect(f"/proc/self/fd/{handle}/{edge.socket.name}")
                client.sendall(line.encode("ascii") + b"\n")
                return _read(client, deadline)
        finally:
            os.close(handle)
    except TimeoutError:
        raise SourceError(
            f"the edge at {edge.socket} does not answer", "is HAProxy frozen? look at its process and log"
        ) from None
    except OSError as error:
        hint = (
            "run as a user who may use the socket"
            if isinstance(error, PermissionError)
            else "is HAProxy running, with `stats socket PATH level admin`?"
        )
        raise SourceError(f"cannot ask the edge at {edge.socket}: {error.strerror}", hint) from None


def _read(client: socket.socket, deadline: Deadline) -> str:
    """To the end, which HAProxy makes after one line's commands."""
    parts: list[bytes] = []
    while True:
        client.settimeout(max(0.01, deadline.left_s))
        part = client.recv(65536)
        if not part:
            return b"".join(parts).decode(errors="replace")
        parts.append(part)
        if sum(map(len, parts)) > LONGEST or deadline.left_s <= 0:
            raise TimeoutError


def _server(name: str, row: Mapping[str, int], sessions: int) -> EdgeServer:
    admin = row["srv_admin_state"]
    maintained = bool(admin & MAINTENANCE)
    return EdgeServer(
        name=name,
        weight=row["srv_uweight"],
        configured=row["srv_iweight"],
        is_up=row["srv_op_state"] in {1, RUNNING} and not maintained,
        is_draining=bool(admin & DRAINING),
        is_maintained=maintained,
        sessions=sessions,
    )


def _unexpected(edge: Edge, told: str) -> SourceError:
    first = " ".join(told.split())[:120]
    if "an't find backend" in told or "an't find proxy" in told or "nknown backend" in told:
        return SourceError(
            f"the edge at {edge.socket} has no backend {edge.backend}",
            "mend `edge.backend` in keelwatch.yaml",
        )
    return _nonsense(edge, repr(first))


def _nonsense(edge: Edge, what: str) -> SourceError:
    return SourceError(
        f"the edge at {edge.socket} answered something else than expected: {what}",
        f"ask it by hand: echo 'show servers state {edge.backend}' | socat - {edge.socket}",
    )


def of_regions(edge: Edge, found: Mapping[str, EdgeServer]) -> dict[str, Sequence[EdgeServer]]:
    """The servers of each region."""
    return {region: [found[one] for one in ones] for region, ones in edge.servers.items()}
