"""Experiments in Chaos Toolkit's own form, written for it and not for us, run as they are.

The packages hold no sample files (the library's own tests write experiments as Python dictionaries), so these
are ours, in the form of its tutorials.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from chaos.load import named
from keelwatch.workspace import run_dir
from tests.chaos.conftest import Lab
from tests.runs.conftest import until

TUTORIAL = """
version: 1.0.0
title: What if we lose the certificate?
description: The consumer notices, and says so.
tags: [tls]
configuration:
  world: {type: env, key: THE_WORLD}
  url: URL
secrets:
  consumer:
    token: {type: env, key: THE_TOKEN}
steady-state-hypothesis:
  title: Application responds
  probes:
    - type: probe
      name: the-consumer-answers
      tolerance: 200
      provider: {type: http, url: "${url}/", timeout: 3}
    - type: probe
      name: the-certificate-is-there
      tolerance: {type: regex, target: stdout, pattern: "^cert"}
      provider: {type: process, path: cat, arguments: "${world}/certificate"}
method:
  - type: action
    name: swap-the-certificate
    provider: {type: process, path: ./swap.sh, arguments: "${world}"}
    pauses: {after: 0.2}
  - ref: the-consumer-answers
  - type: action
    name: in-the-background
    background: true
    provider:
      type: python
      module: beside
      func: write
      arguments: {path: "${world}/back", text: "${token}"}
rollbacks:
  - type: action
    name: swap-it-back
    provider: {type: process, path: rm, arguments: ["-f", "${world}/swapped"]}
"""


@contextmanager
def consumer() -> Iterator[str]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def test_a_tutorial_runs_as_it_is(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THE_WORLD", str(lab.world))
    monkeypatch.setenv("THE_TOKEN", "very-secret-token")
    monkeypatch.setenv("NOBODYS_BUSINESS", "other-secret")
    (lab.world / "certificate").write_text("cert")
    script = lab.folder / "swap.sh"
    script.write_text(
        '#!/bin/sh\ntouch "$1/swapped" "$1/was-swapped"\nprintf %s "$NOBODYS_BUSINESS" > "$1/leaked"\n'
    )
    script.chmod(0o755)
    with consumer() as url:
        file = lab.folder / "keelwatch.yaml"
        file.write_text(file.read_text().replace("http://127.0.0.1:9", url))
        (lab.folder / "tutorial.yaml").write_text(TUTORIAL.replace("URL", url))
        run = lab.start_file(named(lab.folder, str(lab.folder / "tutorial.yaml")))
        verdict = lab.end(run)
    assert verdict.reason.startswith("reach-unproven")
    assert not (lab.world / "swapped").exists()
    assert lab.value("back") == "very-secret-token"
    assert lab.value("leaked") == ""
    for name in ("journal.jsonl", "journal.json", "stream.jsonl"):
        assert "very-secret-token" not in (run_dir(run) / name).read_text()


def test_a_settings_file_at_home_adds_nothing(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    home = lab.folder / "home"
    (home / ".chaostoolkit").mkdir(parents=True)
    settings = {"runtime": {"rollbacks": {"strategy": "never"}}}
    (home / ".chaostoolkit" / "settings.yaml").write_text(json.dumps(settings))
    monkeypatch.setenv("HOME", str(home))
    rollback = lab.call("beside", "write", "mop up", {"path": str(lab.world / "mopped"), "text": "yes"})
    lab.run(lab.experiment([], rollbacks=[rollback]))
    assert lab.value("mopped") == "yes"


def test_what_happened_so_far_is_on_the_disk_when_the_run_dies(lab: Lab) -> None:
    run = lab.start(lab.experiment([lab.set("billing", "down"), lab.wait("60s")]))
    journal = run_dir(run) / "journal.jsonl"

    def steps() -> list[tuple[str, str]]:
        told = [json.loads(line) for line in journal.read_text().splitlines()] if journal.exists() else []
        return [(one["name"], one["state"]) for one in told if one["event"] == "step"]

    until(lambda: ("wait 60s", "begun") in steps(), 20, "the second step")
    lab.kill(run)
    lab.end(run)
    assert steps() == [("billing down", "begun"), ("billing down", "succeeded"), ("wait 60s", "begun")]
