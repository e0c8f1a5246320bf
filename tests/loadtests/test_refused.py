"""What is refused before anything is pushed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keelwatch.workspace import UsageError
from keelwatch.workspace.find import built_in
from loadtests.thresholds import require_objective
from tests.loadtests.pushing import NEVER_BURNS


def keelwatch(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console.main", "--workspace", str(workspace), *words],
        env={**os.environ, "PYTHONPATH": str(built_in().parents[2])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        check=False,
    )


def test_an_objective_that_is_not_there_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="there is no objective 'log-in-latency'") as refused:
        require_objective("log-in-latency", ["login-latency", "front-door"])
    assert refused.value.hint == "did you mean 'login-latency'?"


def test_a_search_for_an_objective_that_is_not_there_is_no_run() -> None:
    words = ["load", "capacity", "portal-baseline", "--objective", "login-latencies", "--arm"]
    done = keelwatch(built_in().parent, *words)
    assert done.returncode == 2, done.stderr
    assert "there is no objective 'login-latencies'" in done.stderr
    assert "did you mean 'login-latency'?" in done.stderr


NOWHERE = "http://127.0.0.1:9"
WORKSPACE = f"""\
keelwatch: 1
environments:
  away:
    prometheus: {{url: "{NOWHERE}"}}
    portal: {{url: "{NOWHERE}"}}
    regions: [west]
specs: {{slo: slo, loadtests: loadtests}}
"""
PROFILE = """\
profile: one
title: A load
owner: team
model: closed
locustfile: visit.py
stages: [{users: 1, for: 5s}]
guard: {burn_rate: {objectives: [front-door]}}
"""


def test_no_load_starts_while_nobody_answers_whether_something_burns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path / "state"))
    (tmp_path / "keelwatch.yaml").write_text(WORKSPACE)
    for room in ("slo", "loadtests"):
        (tmp_path / room).mkdir()
    (tmp_path / "slo" / "front-door.yaml").write_text(NEVER_BURNS)
    (tmp_path / "loadtests" / "one.yaml").write_text(PROFILE)
    (tmp_path / "loadtests" / "visit.py").write_text("users = 0\n")
    done = keelwatch(tmp_path, "load", "run", "one", "--arm", "--json")
    found = json.loads(done.stdout)
    assert (done.returncode, found["verdict"], found["planned"]) == (5, "invalid", {}), found["reason"]
    assert "127.0.0.1" in found["reason"]
