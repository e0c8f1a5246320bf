"""A portal of a few lines for real Locust: `/` answers at once, `/slow` after a while, `/load` only who says
once that it is load, and `/moved` leads there; whatever else answers not at all well."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bench.load_world import LoadWorld, load_world

SLOW_S = 0.5


class _Page(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/slow":
            threading.Event().wait(SLOW_S)
        self.send_response(self._status())
        if self.path == "/moved":
            self.send_header("Location", "/load")
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"ok")

    def _status(self) -> int:
        if self.path == "/load":
            return 200 if self.headers.get_all("Keelwatch-Traffic") == ["load"] else 403
        return {"/": 200, "/slow": 200, "/moved": 302}.get(self.path, 404)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def small_world(scratch: Path) -> Iterator[LoadWorld]:
    """With a state folder of its own, until the end."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Page)
    server.daemon_threads = True
    serving = threading.Thread(target=server.serve_forever, daemon=True)
    serving.start()
    try:
        with pytest.MonkeyPatch.context() as kept:
            kept.setenv("KEELWATCH_STATE", "")  # put back as it was
            with load_world(scratch, f"http://127.0.0.1:{server.server_port}") as world:
                yield world
    finally:
        server.shutdown()
        server.server_close()
        serving.join(10)
