"""What is refused before anything is pushed."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from keelwatch.workspace import UsageError
from keelwatch.workspace.find import built_in
from loadtests.thresholds import require_objective


def test_an_objective_that_is_not_there_is_named_with_the_nearest_one() -> None:
    with pytest.raises(UsageError, match="there is no objective 'log-in-latency'") as refused:
        require_objective("log-in-latency", ["login-latency", "front-door"])
    assert refused.value.hint == "did you mean 'login-latency'?"


def test_a_search_for_an_objective_that_is_not_there_is_no_run() -> None:
    workspace = str(built_in().parent)
    words = ["load", "capacity", "portal-baseline", "--objective", "login-latencies", "--arm"]
    done = subprocess.run(
        [sys.executable, "-m", "console.main", "--workspace", workspace, *words],
        env={**os.environ, "PYTHONPATH": str(built_in().parents[2])},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        cwd="/",
        check=False,
    )
    assert done.returncode == 2, done.stderr
    assert "there is no objective 'login-latencies'" in done.stderr
    assert "did you mean 'login-latency'?" in done.stderr
