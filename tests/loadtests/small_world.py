"""A portal of a few lines for real Locust: `/` answers at once, `/slow` after a while, `/load` only who says
once that it is load, and `/moved` leads there; whatever else answers not at all well."""

from __future__ import annotations

import os
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tests.bench.load_world import ROOT, LoadWorld, load_world
from tests.loadtests.pushing import runs, stream_of
from tests.sandbox.waiting import until

SLOW_S = 0.5
VISITOR = """\
from locust import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def page(self):
        self.client.get("PATH")
"""
QUITS = """\
import gevent
from locust import FastHttpUser, constant, events, task


@events.test_start.add_listener
def quits_later(environment, **_):
    gevent.spawn_later(4, environment.runner.quit)


""" + VISITOR.partition("\n\n\n")[2].replace("PATH", "/")


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


def locustfile(world: LoadWorld, name: str, text: str) -> str:
    (world.folder / "loadtests" / f"{name}.py").write_text(text)
    return f"locustfile: {name}.py"


@contextmanager
def pushing(world: LoadWorld, name: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The id of a run that has had answers for some seconds, and its follower."""
    with following(world.command("load", "run", name, "--arm", "--json")) as (run, follower):
        until(lambda: '"second":4' in stream_of(run), 40)
        yield run, follower


@contextmanager
def following(command: list[str]) -> Iterator[tuple[str, subprocess.Popen[str]]]:
    """The id of the run that it starts, and its follower, which is stopped at the end."""
    before = set(runs())
    follower = subprocess.Popen(
        command,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        (run,) = until(lambda: [one for one in runs() if one not in before], 20)
        yield run, follower
    finally:
        if follower.poll() is None:
            follower.terminate()
        follower.communicate(timeout=60)
