"""An HTTP server that acts once for each idempotency key, and can be told to be difficult."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(slots=True)
class Received:
    method: str
    path: str
    headers: dict[str, str]
    body: Any


@dataclass
class KeyedServer:
    """What came, and what had an effect. `manner`: `ok`, a status, `silent` (acts, and answers when `go` is
    set), `hang-up` (acts, and breaks the connection) or `trickle` (a body without end)."""

    port: int = 0
    manner: str = "ok"
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    received: list[Received] = field(default_factory=list)
    effects: list[str] = field(default_factory=list)
    go: threading.Event = field(default_factory=threading.Event)
    over: threading.Event = field(default_factory=threading.Event)
    turn: threading.Lock = field(default_factory=threading.Lock)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def key(self, number: int) -> str:
        return self.received[number].headers["idempotency-key"]

    def take(self, one: Received) -> None:
        with self.turn:
            self.received.append(one)
            key = one.headers.get("idempotency-key", "")
            if not key or key not in self.effects:
                self.effects.append(key)


@contextmanager
def keyed_server() -> Iterator[KeyedServer]:
    told = KeyedServer()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            told.take(Received(self.command, self.path, headers, json.loads(raw) if raw else None))
            if told.manner == "hang-up":
                self.close_connection = True
                return
            if told.manner == "silent":
                told.go.wait(60)
            self.answer()

        do_PUT = do_PATCH = do_DELETE = do_POST  # noqa: N815 -- the names are http.server's

        def answer(self) -> None:
            self.send_response(int(told.manner) if told.manner.isdigit() else 200)
            for name, value in told.headers.items():
                self.send_header(name, value)
            if told.manner != "trickle":
                self.send_header("content-length", str(len(told.body)))
            self.end_headers()
            self.wfile.write(told.body)
            if told.manner == "trickle":
                self.wfile.flush()
                told.over.wait(60)

        def log_request(self, code: object = "-", size: object = "-") -> None:
            """Tests read `received`."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    told.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield told
    finally:
        told.go.set()
        told.over.set()
        server.shutdown()
        thread.join()
        server.server_close()
