"""A real customer in the middle of changing the plan, and the run is stopped or killed: OpenID Connect, a
one-time code, two regions, a database. The plan is back, and everything that tells of it says so."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.ledger import open_ledger
from keelwatch.runs import list_open, load
from keelwatch.runs.mark import read_mark
from keelwatch.workspace import run_dir, state_dir
from probes.follow import undos_in
from tests.probes.reference import ROOT, workspace_of
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

pytestmark = pytest.mark.sandbox

UNDONE = [{"step": "2-put", "done": True, "error": ""}]
MIDDLE_S = 8  # how long the other region takes to show the change: the journey waits for it meanwhile


@pytest.fixture
def workspace(sandbox: RunningSandbox, tmp_path: Path) -> Path:
    return workspace_of(sandbox.name, tmp_path)


def plans(sandbox: RunningSandbox) -> dict[str, str]:
    """Of the synthetic customers, as the database has them."""
    with psycopg.connect(sandbox.conninfo("west")) as west:
        return dict(west.execute("select id, plan from accounts where id like 'synthetic-%'").fetchall())


@contextmanager
def changing(sandbox: RunningSandbox, workspace: Path) -> Iterator[subprocess.Popen[str]]:
    """The follower of a run that has just changed a customer's plan."""
    control.set_fault("accounts.latency", f"{MIDDLE_S}s", region="east", name=sandbox.name)
    before = plans(sandbox)
    assert before
    words = ["--workspace", str(workspace), "probe", "run", "change-plan", "--region", "west", "--json", "-"]
    follower = subprocess.Popen(
        [sys.executable, "-m", "console.main", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd="/",
    )
    until(lambda: plans(sandbox) != before, 60)
    yield follower
    assert plans(sandbox) == before


def told_by(follower: subprocess.Popen[str]) -> dict[str, Any]:
    """The one execution of its report."""
    out, err = follower.communicate(timeout=90)
    assert out, err
    (execution,) = json.loads(out)["executions"]
    assert isinstance(execution, dict)
    return execution


def assert_the_ledger_says_so(run: str, execution: str) -> None:
    store = open_ledger()
    try:
        assert list_open(store) == ()
        assert load(store, run).verdict is not None
        (undo,) = undos_in(store.after(0, run=run))[execution]
        assert undo.done
    finally:
        store.close()


def test_stopped_in_the_middle_of_a_change_the_plan_is_back(sandbox: RunningSandbox, workspace: Path) -> None:
    with changing(sandbox, workspace) as follower:
        follower.send_signal(signal.SIGTERM)
        execution = told_by(follower)
    assert follower.returncode == 7
    assert (execution["result"], execution["reason"]) == ("inconclusive", "stopped: SIGTERM")
    assert execution["undos"] == UNDONE
    assert_the_ledger_says_so(execution["run"], execution["id"])


@pytest.mark.deep
def test_killed_in_the_middle_of_a_change_the_plan_is_back(sandbox: RunningSandbox, workspace: Path) -> None:
    """Its guardian logs in anew, with the next one-time code."""
    with changing(sandbox, workspace) as follower:
        run = max(one.name for one in (state_dir() / "runs").iterdir())
        mark = read_mark(run_dir(run) / "process.json")
        assert mark is not None
        assert mark.send(signal.SIGKILL)
        execution = told_by(follower)
    assert follower.returncode == 4
    assert (execution["run"], execution["result"]) == (run, "inconclusive")
    assert execution["undos"] == UNDONE
    assert_the_ledger_says_so(run, execution["id"])
