"""What a load needs besides itself: a source for its guard, a server that can do more than any generator, a
server with one desk, and a workspace that names them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.adapters.prometheus_server import free_port, running

ROOT = Path(__file__).parents[2]
ITSELF = """\
scrape_configs:
  - {job_name: itself, scrape_interval: 1s, static_configs: [{targets: ['127.0.0.1:PORT']}]}
"""
CALM = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: calm}
spec:
  service: source
  indicator:
    metadata: {name: calm}
    spec:
      ratioMetric:
        counter: true
        bad:
          metricSource:
            type: Prometheus
            spec: {query: 'prometheus_http_requests_total{code="599"}'}
        total:
          metricSource:
            type: Prometheus
            spec: {query: 'prometheus_http_requests_total'}
  timeWindow: [{duration: 30d, isRolling: true}]
  budgetingMethod: Occurrences
  objectives: [{target: 0.999}]
"""
LOCUSTFILE = """\
from locust import FastHttpUser, task


class Visitor(FastHttpUser):
    @task
    def page(self):
        self.client.get("/")
"""
JOURNEY = """\
journey: front-page
title: Somebody looks in
component: portal
deadline: 10s
steps:
  - {name: page, get: /, expect: {status: 200}}
"""
FAST = """\
global
    nbthread 1
defaults
    mode http
    timeout client 60s
    timeout server 60s
    timeout connect 5s
frontend front
    bind 127.0.0.1:PORT
    http-request return status 200 content-type text/plain string "hello world"
"""
KNOWN_S = 30.0


@dataclass(frozen=True, slots=True)
class LoadWorld:
    """A workspace in `folder`; `url` is what is pushed."""

    folder: Path
    url: str

    def profile(self, name: str, text: str, what: str = "locustfile: visit.py") -> None:
        head = f"profile: {name}\ntitle: A load\nowner: bench\n{what}\n"
        guard = "guard: {burn_rate: {objectives: [calm]}}\n"
        (self.folder / "loadtests" / f"{name}.yaml").write_text(head + text + guard)

    def keelwatch(self, *words: str) -> dict[str, Any]:
        """The document of a `load` command, whatever its exit code."""
        return self.armed("load", *words)

    def armed(self, *words: str) -> dict[str, Any]:
        """The document of a command that acts."""
        found: dict[str, Any] = json.loads(self.said(*words, "--arm", "--json"))
        return found

    def said(self, *words: str) -> str:
        """What a command wrote, whatever its exit code."""
        done = subprocess.run(
            self.command(*words),
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.stdout, done.stderr
        return done.stdout

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "console.main", "--workspace", str(self.folder), *words]


@contextmanager
def load_world(scratch: Path, url: str) -> Iterator[LoadWorld]:
    """With a state folder of its own."""
    folder, source = scratch / "workspace", scratch / "source"
    for one in (folder / "loadtests", folder / "probes", folder / "slo", source, scratch / "state"):
        one.mkdir(parents=True, mode=0o700)
    os.environ["KEELWATCH_STATE"] = str(scratch / "state")
    (folder / "slo" / "calm.yaml").write_text(CALM)
    (folder / "loadtests" / "visit.py").write_text(LOCUSTFILE)
    (folder / "probes" / "front-page.yaml").write_text(JOURNEY)
    with _watching_itself(source) as prometheus:
        (folder / "keelwatch.yaml").write_text(
            f"keelwatch: 1\nenvironments:\n  bench:\n    prometheus: {{url: '{prometheus}'}}\n"
            f"    regions: [here]\n    portal: {{url: '{url}'}}\n"
        )
        yield LoadWorld(folder, url)


@contextmanager
def _watching_itself(folder: Path) -> Iterator[str]:
    """Each question that is asked of it is an event; it is ready once it has counted two."""
    with running(folder, "--web.enable-lifecycle") as found:
        config = folder / "prometheus.yml"
        config.write_text(ITSELF.replace("PORT", str(found.port)))
        requests.post(f"{found.url}/-/reload", timeout=5)
        _await_counts(found.url)
        yield found.url


def _await_counts(url: str) -> None:
    """Two samples of a series are the least that increases."""
    deadline = time.monotonic() + KNOWN_S
    query = {"query": "sum(increase(prometheus_http_requests_total[10s])) > 0"}
    while not requests.get(f"{url}/api/v1/query", params=query, timeout=5).json()["data"]["result"]:
        assert time.monotonic() < deadline, url
        time.sleep(0.2)


@contextmanager
def fast_server(folder: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """HAProxy, which answers by itself."""
    port = free_port()
    file = folder / "fast.cfg"
    file.write_text(FAST.replace("PORT", str(port)))
    process = subprocess.Popen(["haproxy", "-db", "-f", str(file)], env={**os.environ, "PATH": _path()})
    try:
        url = f"http://127.0.0.1:{port}"
        await_answer(url)
        yield url, process
    finally:
        process.kill()
        process.wait(10)


def _path() -> str:
    return f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin"


def await_answer(url: str) -> None:
    deadline = time.monotonic() + KNOWN_S
    while True:
        try:
            requests.get(url, timeout=1)
        except requests.RequestException:
            assert time.monotonic() < deadline, url
            time.sleep(0.05)
        else:
            return
