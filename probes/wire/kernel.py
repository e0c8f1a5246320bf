"""What the kernel knows of a socket that we cannot: when data really came.

A loop that was busy reads late. Since Linux 4.14 a TCP socket stamps what it receives (ns, wall clock), and
`TCP_INFO` tells how long ago that was (by the kernel's tick, 1 to 10 ms). The stamp is exact, the tick is
there when the wall clock jumps or a stamp is missing.
"""

from __future__ import annotations

import socket
import struct
import sys
import time
from contextlib import suppress

SO_TIMESTAMPNS = 35  # asm-generic/socket.h; the same on every architecture that Debian and Ubuntu serve
TIMESPEC = struct.Struct("@ll")
ANCILLARY_BYTES = socket.CMSG_SPACE(TIMESPEC.size)
LAST_DATA_OFFSET, RTT_OFFSET, RETRANSMITS_OFFSET = 52, 68, 100  # u32 each, in struct tcp_info
INFO_BYTES = 104
SURE_S = 0.005  # a stamp this young needs no second opinion
AT_ONCE_S = 0.0002
TICKS_S = 0.012  # how far stamp and ticks may be apart

type Ancillary = list[tuple[int, int, bytes]]

_keeping: list[socket.socket] = []


def stamp_arrivals(sock: socket.socket) -> None:
    """Have everything that arrives on `sock` stamped, where the system can."""
    if not sys.platform.startswith("linux"):
        return
    if not _keeping:
        _keep_stamping()
    with suppress(OSError):
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)


def _keep_stamping() -> None:
    """The kernel begins to stamp a while after the first socket wants it, and ends with the last: a socket
    that stays saves the first arrivals, and patching the kernel for each connection."""
    with suppress(OSError):
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        sock.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        _keeping.append(sock)


def lateness_s(sock: socket.socket, ancillary: Ancillary, waited_s: float, at: float) -> float | None:
    """How long what was read `at` (monotonic s) had been lying there, of the `waited_s` we waited for it;
    None when nobody can tell."""
    stamp_s = _stamp_s(ancillary)
    late_s = None if stamp_s is None else at + _wall_ahead_s() - stamp_s
    if late_s is None or not 0 <= late_s <= SURE_S:
        info = _info(sock)
        if info is None:
            return None
        by_ticks_s = _number(info, LAST_DATA_OFFSET) / 1e3 - (time.monotonic() - at)
        if late_s is None or abs(late_s - by_ticks_s) > TICKS_S:
            late_s = by_ticks_s
    return max(0.0, min(late_s, waited_s))


def handshake_s(sock: socket.socket) -> float | None:
    """How long the connection just made took to be made: the one round trip that the kernel has measured so
    far. None when a packet of it was lost, or nobody can tell."""
    info = _info(sock)
    if info is None or _number(info, RETRANSMITS_OFFSET):
        return None
    return _number(info, RTT_OFFSET) / 1e6


def _wall_ahead_s() -> float:
    """Wall clock less monotonic clock. Whoever loses the CPU between the two readings takes them again."""
    for _ in range(3):
        before = time.monotonic()
        wall = time.time()
        if time.monotonic() - before < AT_ONCE_S:
            break
    return wall - before


def _stamp_s(ancillary: Ancillary) -> float | None:
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS) and len(data) >= TIMESPEC.size:
            seconds, nanoseconds = TIMESPEC.unpack_from(data)
            return float(seconds) + float(nanoseconds) / 1e9
    return None


def _info(sock: socket.socket) -> bytes | None:
    if not sys.platform.startswith("linux"):
        return None
    try:
        info = sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, INFO_BYTES)
    except OSError:
        return None
    return info if len(info) == INFO_BYTES else None


def _number(info: bytes, offset: int) -> int:
    (number,) = struct.unpack_from("@I", info, offset)
    return int(number)
