"""A real HAProxy before four dummy servers, two a region."""

from __future__ import annotations

import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.request import urlopen

from keelwatch.adapters.haproxy import look
from keelwatch.workspace import SourceError
from keelwatch.workspace.estate import Edge
from tests.adapters.estate import Estate, written
from tests.adapters.processes import start, stop, until
from tests.adapters.prometheus_server import free_port

NAMES = ("west-1", "west-2", "east-1", "east-2")
SERVERS = {"west": ["west-1", "west-2"], "east": ["east-1", "east-2"]}
CONFIGURATION = """\
global
    stats socket unix@{socket} mode 600 level {level}
defaults
    mode http
    timeout connect 1s
    timeout client 20s
    timeout server 20s
    default-server check inter 100ms fall 1 rise 1
    option httpchk GET /healthz
frontend edge
    bind 127.0.0.1:{port}
    default_backend portal
backend portal
    balance roundrobin
{lines}
"""


class Dummy(ThreadingHTTPServer):
    """Answers with its name; `/slow` only once `hurry` is set; nothing is well while `ill` is."""

    daemon_threads = True

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.called = name
        self.hurry, self.ill, self.asked_slow = threading.Event(), threading.Event(), threading.Event()
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        server = self.server
        assert isinstance(server, Dummy)
        if self.path == "/slow":
            server.asked_slow.set()
            server.hurry.wait(20)
        self.send_response(503 if server.ill.is_set() else 200)
        self.end_headers()
        self.wfile.write(server.called.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the name is the library's
        return


@dataclass
class RunningEdge:
    """`edge` as adapters see it, `estate` as verbs find it."""

    folder: Path
    estate: Estate
    edge: Edge
    port: int
    dummies: dict[str, Dummy]
    process: subprocess.Popen[bytes]

    def serving(self, tries: int = 24) -> set[str]:
        """Which servers answer customers now."""
        return {self.ask("/") for _ in range(tries)}

    def ask(self, path: str) -> str:
        with urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=30) as answer:
            text: str = answer.read().decode()
        return text

    def weights(self) -> dict[str, int]:
        return {name: one.weight for name, one in look(self.edge).items()}

    def reload(self) -> None:
        """A new process takes over with what the configuration says."""
        old, self.process = self.process, _launch(self.folder, "-sf", str(self.process.pid))
        until(lambda: old.poll() is not None, "the end of the old HAProxy")
        self.until_up()

    def answers(self) -> bool:
        """Its socket is there a moment before anybody listens on it."""
        assert self.process.poll() is None, (self.folder / "haproxy.log").read_text()[-3000:]
        try:
            return bool(look(self.edge))
        except SourceError:
            return False

    def until_up(self, *names: str) -> None:
        until(lambda: all(look(self.edge)[name].is_up for name in names or NAMES), "servers up")

    def make_ill(self, *names: str) -> None:
        for name in names:
            self.dummies[name].ill.set()
        until(lambda: not any(look(self.edge)[name].is_up for name in names), "servers down")

    def make_well(self, *names: str) -> None:
        for name in names:
            self.dummies[name].ill.clear()
        self.until_up(*names)


@contextmanager
def running_edge(folder: Path, level: str = "admin") -> Iterator[RunningEdge]:
    folder.mkdir(parents=True, exist_ok=True)
    dummies, port = {name: Dummy(name) for name in NAMES}, free_port()
    socket = folder / "admin.sock"
    lines = [f"    server {name} 127.0.0.1:{one.server_address[1]}" for name, one in dummies.items()]
    text = CONFIGURATION.format(socket="admin.sock", level=level, port=port, lines="\n".join(lines))
    (folder / "haproxy.cfg").write_text(text)
    estate = written(folder, edge={"socket": str(socket), "backend": "portal", "servers": SERVERS})
    edge = Edge(socket, "portal", SERVERS)
    running = RunningEdge(folder, estate, edge, port, dummies, _launch(folder))
    try:
        until(running.answers, "HAProxy's socket")
        running.until_up()
        yield running
    finally:
        stop(running.process)
        for one in dummies.values():
            one.hurry.set()
            one.shutdown()
            one.server_close()


def _launch(folder: Path, *more: str) -> subprocess.Popen[bytes]:
    program = shutil.which("haproxy", path="/usr/sbin:/usr/local/sbin:/usr/bin") or "haproxy"
    # From its folder, for a socket's path is limited to 107 characters, and a test's is long.
    argv = ["env", "-C", str(folder), program, "-db", "-f", "haproxy.cfg", *more]
    return start(argv, folder / "haproxy.log")
