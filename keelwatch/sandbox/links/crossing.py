"""One connection through a link: two sides, and the bytes under way between them.

Without a fault a chunk goes straight on. Under latency it waits its time; in a partition nothing is read, so
it waits where TCP keeps it; in a blackhole it is read and lost, and the connection cannot outlive that.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from typing import TYPE_CHECKING

from keelwatch.sandbox.links.mode import CLEAR, Mode

if TYPE_CHECKING:
    from keelwatch.sandbox.links.link import Link

MOST_UNDER_WAY = 4_000_000  # bytes; then the sender has to wait
AT_ONCE_RESET = struct.pack("ii", 1, 0)
END = b""  # of one direction: the sender has nothing more to say


class Crossing:
    """Lives from the accepting of `client` until both sides are gone."""

    def __init__(self, link: Link, client: socket.socket) -> None:
        self.link = link
        self.lost_bytes = False
        self._client = client
        self._is_handed_over = False  # whether asyncio owns `client` by now
        self._is_over = False
        self.near = Side(self)
        self.far = Side(self)
        self.near.peer, self.far.peer = self.far, self.near
        self._opening = asyncio.create_task(self._open())

    async def _open(self) -> None:
        """Connect to the other region; whoever is refused there is reset here."""
        loop = asyncio.get_running_loop()
        mode = self.link.look()
        if mode.is_reset:
            self.reset()
            return
        await asyncio.sleep(2 * mode.delay_s)  # a handshake takes a round trip
        await self.link.is_open.wait()
        try:
            await loop.create_connection(lambda: self.far, "127.0.0.1", self.link.target)
        except OSError:
            self.reset()
            return
        self._is_handed_over = True
        await loop.connect_accepted_socket(lambda: self.near, self._client)
        if self._is_over:
            self.near.reset()
        self.far.regulate()

    def changed(self, was: Mode) -> None:
        """The link's mode is another one now."""
        mode = self.link.mode
        if mode.is_reset or (was.is_blackhole and not mode.is_blackhole and self.lost_bytes):
            self.reset()
            return
        for side in (self.near, self.far):
            if mode.is_blackhole:
                side.lose_what_is_under_way()
            side.regulate()
            side.deliver()

    def reset(self) -> None:
        """RST to both sides."""
        self._is_over = True
        self.link.forget(self)
        if not self._is_handed_over:
            if asyncio.current_task() is not self._opening:
                self._opening.cancel()
            _set_to_reset(self._client)
            self._client.close()
        for side in (self.near, self.far):
            side.reset()

    def closed_with(self, error: Exception | None, side: Side) -> None:
        """`side` is gone. In the dark the other one does not learn of it."""
        mode = self.link.look()
        if mode.is_blackhole:
            self.lost_bytes = True
        elif error is not None or mode.is_reset:
            self.reset()
        else:
            side.send(END)
        if self.near.is_gone and self.far.is_gone:
            self.link.forget(self)


class Side(asyncio.Protocol):
    """One end. What it receives goes to its `peer`."""

    peer: Side

    def __init__(self, crossing: Crossing) -> None:
        self.transport: asyncio.Transport | None = None
        self.is_gone = False
        self._crossing = crossing
        self._under_way: deque[tuple[float, bytes]] = deque()
        self._bytes_under_way = 0
        self._alarm: asyncio.TimerHandle | None = None
        self.is_full = False
        self.has_ended = False

    # as asyncio calls it

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.regulate()

    def data_received(self, data: bytes) -> None:
        mode = self._crossing.link.look()
        if mode.is_blackhole:
            self._crossing.lost_bytes = True
        elif mode.is_reset:
            return  # `look` has reset it
        elif mode is CLEAR and not self._under_way and self.peer.transport is not None:
            self.peer.transport.write(data)
        else:
            self.send(data)

    def eof_received(self) -> bool:
        if self._crossing.link.look().is_blackhole:
            self._crossing.lost_bytes = True
        else:
            self.send(END)
        return True  # the other direction may have more to say

    def pause_writing(self) -> None:
        self.is_full = True
        self.peer.regulate()

    def resume_writing(self) -> None:
        self.is_full = False
        self.peer.regulate()

    def connection_lost(self, error: Exception | None) -> None:
        self.is_gone = True
        self._crossing.closed_with(error, self)

    # what is under way to the peer

    def send(self, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        due = loop.time() + self._crossing.link.mode.delay_s
        if self._under_way:
            due = max(due, self._under_way[-1][0])  # no chunk overtakes another
        self._under_way.append((due, data))
        self._bytes_under_way += len(data)
        self.regulate()
        self.deliver()

    def deliver(self) -> None:
        """Hand over what has waited long enough, and come back for the rest."""
        loop = asyncio.get_running_loop()
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        if self.peer.transport is None or self._crossing.link.mode.is_shut:
            return
        while self._under_way and self._under_way[0][0] <= loop.time():
            _, data = self._under_way.popleft()
            self._bytes_under_way -= len(data)
            self._hand_over(data)
        if self._under_way:
            self._alarm = loop.call_at(self._under_way[0][0], self.deliver)
        self.regulate()

    def _hand_over(self, data: bytes) -> None:
        transport = self.peer.transport
        if transport is None or self.peer.is_gone:
            return
        if data != END:
            transport.write(data)
            return
        self.has_ended = True
        if self.is_gone or self.peer.has_ended:
            transport.close()
            if self.transport is not None:
                self.transport.close()
            return
        with contextlib.suppress(OSError):
            transport.write_eof()

    def lose_what_is_under_way(self) -> None:
        if self._under_way:
            self._crossing.lost_bytes = True
            self._under_way.clear()
            self._bytes_under_way = 0

    def regulate(self) -> None:
        """Read only while what is read can go somewhere."""
        if self.transport is None or self.is_gone or self.transport.is_closing():
            return
        waits = self._crossing.link.mode.is_partition and not self._crossing.link.mode.is_blackhole
        if waits or self.peer.transport is None or self.peer.is_full or self._has_too_much():
            self.transport.pause_reading()
        else:
            self.transport.resume_reading()

    def _has_too_much(self) -> bool:
        return self._bytes_under_way > MOST_UNDER_WAY

    def reset(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._under_way.clear()
        if self.transport is not None and not self.is_gone:
            _set_to_reset(self.transport.get_extra_info("socket"))
            self.transport.abort()


def _set_to_reset(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE_RESET)
