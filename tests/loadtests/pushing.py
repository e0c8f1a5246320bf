"""Loads of a few seconds on the session's sandbox, started as a user starts them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelwatch.runs.mark import read_mark
from keelwatch.workspace import run_dir, state_dir
from keelwatch.workspace.find import built_in
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

ROOT = built_in().parents[2]
HEAD = "title: A load\nowner: team-test\n"
GUARD = "guard: {burn_rate: {objectives: [front-door]}}\n"
OBJECTIVE = """\
apiVersion: openslo/v1
kind: SLO
metadata: {{name: {name}}}
spec:
  service: portal
  indicator:
    metadata: {{name: {name}}}
    spec:
      ratioMetric:
        counter: true
        bad:
          metricSource:
            type: Prometheus
            spec: {{query: 'portal_requests_total{{{route}traffic="real",code=~"{bad}"}}'}}
        total:
          metricSource:
            type: Prometheus
            spec: {{query: 'portal_requests_total{{{route}traffic="real"}}'}}
  timeWindow: [{{duration: 30d, isRolling: true}}]
  budgetingMethod: Occurrences
  objectives: [{{target: {target}}}]
"""
NEVER_BURNS = OBJECTIVE.format(name="front-door", route="", bad="599", target=0.999)
LONG_CALM = OBJECTIVE.format(name="log-ins", route='route="login",', bad="5..", target=0.95)
"""Whatever other tests broke for a minute, no pair of this one is critical."""


@dataclass(frozen=True, slots=True)
class Pusher:
    """Profiles stand in `folder`; everything runs on `sandbox`."""

    sandbox: RunningSandbox
    folder: Path

    def profile(self, name: str, text: str, guard: str = GUARD) -> None:
        (self.folder / "loadtests" / f"{name}.yaml").write_text(f"profile: {name}\n{HEAD}{text}{guard}")

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "console.main", "--workspace", str(self.folder), *words]

    def keelwatch(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            cwd="/",
            check=False,
        )

    def run(self, name: str, *words: str) -> tuple[int, dict[str, Any]]:
        done = self.keelwatch("load", "run", name, "--arm", "--json", *words)
        assert done.stdout, done.stderr
        found = json.loads(done.stdout)
        assert isinstance(found, dict)
        return done.returncode, found

    @contextmanager
    def running(self, name: str) -> Iterator[tuple[str, subprocess.Popen[str]]]:
        """The id of a run that applies load by now, and its follower."""
        before = set(runs())
        follower = subprocess.Popen(
            self.command("load", "run", name, "--arm", "--json"),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd="/",
        )
        try:
            (run,) = until(lambda: [one for one in runs() if one not in before], 20)
            until(lambda: '"told"' in stream_of(run) and '"counts":{"' in stream_of(run), 40)
            yield run, follower
        finally:
            if follower.poll() is None:
                self.keelwatch("stop", run)
            follower.communicate(timeout=60)

    def requests(self) -> float:
        """How many of load the sandbox has counted so far."""
        return sum(self.sandbox.query('portal_requests_total{traffic="load"}').values())

    def is_calm(self) -> bool:
        """Whether no request of load has come for two seconds."""
        return sum(self.sandbox.query('increase(portal_requests_total{traffic="load"}[2s])').values()) == 0


def pusher_of(sandbox: RunningSandbox, folder: Path) -> Pusher:
    text = built_in().read_text().replace("sandbox: main", f"sandbox: {sandbox.name}")
    text = text.replace("../../loadtests/profiles", "loadtests").replace("../../slo/objectives", "slo")
    text = text.replace("../../", f"{ROOT}/")
    for room in ("loadtests", "slo"):
        (folder / room).mkdir()
    (folder / "slo" / "front-door.yaml").write_text(NEVER_BURNS)
    (folder / "slo" / "log-ins.yaml").write_text(LONG_CALM)
    (folder / "keelwatch.yaml").write_text(text)
    return Pusher(sandbox, folder)


def runs() -> list[str]:
    folder = state_dir() / "runs"
    return [one.name for one in folder.iterdir() if "-load-" in one.name] if folder.is_dir() else []


def stream_of(run: str) -> str:
    try:
        return (run_dir(run) / "stream.jsonl").read_text()
    except FileNotFoundError:
        return ""


def pid_of(run: str, whose: str = "process") -> int:
    mark = read_mark(run_dir(run) / f"{whose}.json")
    assert mark is not None
    return mark.pid


def generators(run: str) -> list[int]:
    """The processes of Locust that belong to the run, the one that started the others first."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            environment = (entry / "environ").read_bytes()
        except OSError:
            continue
        if b"loadtests.worker" in words and f"KEELWATCH_RUN={run}".encode() in environment:
            found.append(int(entry.name))
    return sorted(found)


LOOPBACK = "0100007F"
"""As the kernel writes it."""
LISTEN = "0A"


def listening(processes: list[int]) -> list[str]:
    """The addresses on which these processes listen, as the kernel writes them."""
    links = [link for pid in processes for link in Path(f"/proc/{pid}/fd").iterdir()]
    sockets = {str(link.readlink()) for link in links}
    rows = [
        row.split()
        for name in ("tcp", "tcp6")
        for row in Path(f"/proc/net/{name}").read_text().splitlines()[1:]
    ]
    return [row[1].partition(":")[0] for row in rows if row[3] == LISTEN and f"socket:[{row[9]}]" in sockets]
