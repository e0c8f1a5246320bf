"""The commands, on the real sandbox: what customers meet is broken, proven, and healed."""

from __future__ import annotations

import json
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.main import keelwatch
from keelwatch.adapters import sandbox as control
from keelwatch.runs import list_open
from keelwatch.runs.mark import read_mark
from keelwatch.workspace import run_dir
from tests.conftest import NAME
from tests.runs.conftest import until
from tests.sandbox.running import RunningSandbox

WORKSPACE = f"""
keelwatch: 1
environments:
  sandbox: {{source: sandbox, sandbox: {NAME}, regions: [west, east]}}
components:
  billing: {{owner: team-billing, tier: 2}}
"""
EXPERIMENT = """
title: Bills fail
description: and nobody looks
steady-state-hypothesis:
  title: The portal is up
  probes:
    - type: probe
      name: prometheus answers
      tolerance: true
      provider: {type: python, module: chaos.probes, func: promql, arguments: {query: vector(1)}}
method:
  - type: action
    name: bills fail
    provider:
      type: python
      module: chaos.actions
      func: fault
      arguments: {fault: billing.errors, value: 100%, for_: 2m}
  - type: action
    name: customers meet it
    provider: {type: python, module: chaos.actions, func: wait, arguments: {for_: WAIT}}
"""


@pytest.fixture
def folder(sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A workspace on the session's sandbox, without objectives."""
    (tmp_path / "keelwatch.yaml").write_text(WORKSPACE)
    (tmp_path / "chaos").mkdir()
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return tmp_path


def test_a_killed_experiment_leaves_no_fault_behind(folder: Path) -> None:
    from console.chaos import order_for, sound, start
    from console.places import place
    from keelwatch.ledger import open_ledger

    write(folder, "60s")
    where = place(folder, "sandbox")
    ledger = open_ledger()
    try:
        run = start(ledger, order_for(where, sound(where, "one")))
        until(lambda: bool(control.faults(NAME)), 40, "the fault")
        mark = read_mark(run_dir(run) / "process.json")
        assert mark is not None
        mark.send(signal.SIGKILL)
        until(lambda: not control.faults(NAME), 20, "no fault")
        until(lambda: list_open(ledger) == (), 20, "nothing open")
    finally:
        ledger.close()


def test_it_is_planned_run_and_told_with_every_number(folder: Path) -> None:
    write(folder, "6s")
    runner = CliRunner()
    head = ["--workspace", str(folder)]
    plan = runner.invoke(keelwatch, [*head, "chaos", "dry-run", "one"])
    assert "sets billing.errors 100% in all regions" in plan.output
    refused = runner.invoke(keelwatch, [*head, "chaos", "run", "one"])
    assert "wants experiments armed" in str(refused.exception)
    done = runner.invoke(keelwatch, [*head, "chaos", "run", "one", "--arm", "--json"])
    told = json.loads(done.stdout)
    assert told["schema"] == "keelwatch/chaos-run/1"
    assert told["hypothesis"] == {"before": "met", "during": None, "after": "met"}
    assert [one["by"] for one in told["faults"]] == ["run"]
    assert told["verdict"] == "inconclusive"  # nobody said how it shows


def write(folder: Path, wait: str) -> None:
    (folder / "chaos" / "one.yaml").write_text(EXPERIMENT.replace("WAIT", wait))
