"""A listening socket that can be shut so that connects hang, as they do when nobody is there to refuse.

Closing it would refuse them, and accepting would let them in. The kernel drops a SYN when the queue of the
accepted is full: so a shut gate takes nobody from the queue, has it hold one, and fills that place itself.
When it opens again, whoever still knocks gets in with the next repetition of the SYN.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

WAITING = 128
FILLERS = 2  # what backlog 0 lets in, and one that finds out that the queue is full


class Gate:
    def __init__(self, port: int, on_client: Callable[[socket.socket], object]) -> None:
        self._on_client = on_client
        self._fillers: list[socket.socket] = []
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._listener.bind(("127.0.0.1", port))
        self._listener.settimeout(0)
        self._is_open = False
        self.open()

    def open(self) -> None:
        if self._is_open:
            return
        self._is_open = True
        self._listener.listen(WAITING)
        ours = {filler.getsockname() for filler in self._fillers}
        self._accept_all(ours)
        while self._fillers:
            self._fillers.pop().close()
        asyncio.get_running_loop().add_reader(self._listener, self._accept_all)

    def shut(self) -> None:
        if not self._is_open:
            return
        self._is_open = False
        asyncio.get_running_loop().remove_reader(self._listener)
        self._listener.listen(0)
        for _ in range(FILLERS):
            filler = socket.socket()
            filler.settimeout(0)
            with contextlib.suppress(OSError):  # "in progress"
                filler.connect(self._listener.getsockname())
            self._fillers.append(filler)

    def _accept_all(self, ours: frozenset[object] | set[object] = frozenset()) -> None:
        while True:
            try:
                client, address = self._listener.accept()
            except OSError:  # nobody waits, or somebody left while waiting
                return
            if address in ours:
                client.close()
                continue
            client.settimeout(0)
            self._on_client(client)

    def close(self) -> None:
        if self._is_open:
            asyncio.get_running_loop().remove_reader(self._listener)
        for each in (self._listener, *self._fillers):
            each.close()
