"""Real Locust against a portal of a few lines: a load that was not what was ordered is never green."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from tests.bench.load_world import ROOT, LoadWorld
from tests.loadtests.small_world import small_world

VISITOR = """\
from locust import FastHttpUser, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0.05)

    @task
    def page(self):
        self.client.get("PATH")
"""
CALM = "thresholds: [{failures_below: 20}, {percentile: 50, below: 5s}]\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadWorld]:
    with small_world(tmp_path_factory.mktemp("world")) as found:
        yield found


def locustfile(world: LoadWorld, name: str, text: str) -> str:
    (world.folder / "loadtests" / f"{name}.py").write_text(text)
    return f"locustfile: {name}.py"


def test_an_experiment_beside_a_load_that_drops_arrivals_is_invalid(world: LoadWorld) -> None:
    """It stops its load, as it always does: what the load was until then is told all the same."""
    what = locustfile(world, "slow", VISITOR.replace("PATH", "/slow"))
    world.profile("crowded", "model: open\nmost_in_flight: 1\nstages: [{rate: 20, for: 60s}]\n", what)
    probe = {
        "type": "probe",
        "name": "it answers",
        "tolerance": 200,
        "provider": {"type": "http", "url": world.url},
    }
    act = {
        "type": "action",
        "name": "wait",
        "provider": {"type": "process", "path": "sleep", "arguments": "3"},
    }
    experiment = {
        "title": "Nothing happens",
        "description": "Beside a load",
        "steady-state-hypothesis": {"title": "It answers", "probes": [probe]},
        "method": [act],
    }
    (world.folder / "chaos").mkdir(exist_ok=True)
    (world.folder / "chaos" / "nothing.json").write_text(json.dumps(experiment))
    found = experimented(world, "nothing", "--under-load", "crowded")
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    assert "arrivals-dropped" in found["reason"]
    assert "; stopped: " in found["reason"]


def experimented(world: LoadWorld, *words: str) -> dict[str, Any]:
    command = [sys.executable, "-m", "console.main", "--workspace", str(world.folder), "chaos", "run"]
    done = subprocess.run(
        [*command, *words, "--arm", "--json"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found
