"""`keelwatch chaos faults`: every line asked of whoever would do it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.adapters.faults.possible import possible
from keelwatch.workspace.faults import FAULTS
from keelwatch.workspace.find import built_in
from tests.adapters.estate import written
from tests.probes.reference import ROOT, workspace_of
from tests.sandbox.running import RunningSandbox


def asked(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console.main", "--workspace", str(workspace), "chaos", "faults", *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.sandbox
def test_a_running_sandbox_allows_what_it_would_not_refuse(sandbox: RunningSandbox, tmp_path: Path) -> None:
    control.set_fault("edge.down", "on", for_s=60, name=sandbox.name)
    done = asked(workspace_of(sandbox.name, tmp_path), "--json")
    assert (done.returncode, done.stderr) == (0, "")
    document: dict[str, Any] = json.loads(done.stdout)
    assert (document["schema"], document["environment"]) == ("keelwatch/chaos-faults/1", "sandbox")
    found = {(one["verb"], one["fault"]): one for one in document["faults"]}

    every = {("fault.set", f"{component}.{kind}") for component, kinds in FAULTS.items() for kind in kinds}
    assert every <= set(found)
    assert found["fault.set", "billing.slow-body"]["value"] == "5s"
    assert found["process.hang", "west-billing"]["allowed"]
    assert ("process.kill", "haproxy") not in found, "it does not run"
    reload = found["fault.set", "edge.reload"]
    assert (reload["allowed"], reload["why"]) == (False, "haproxy does not run: it cannot reload")
    assert all(one["allowed"] or one["why"] for one in found.values())
    assert [one.target for one in control.faults(sandbox.name)] == ["edge.down"], "asking breaks nothing"


@pytest.mark.sandbox
def test_what_it_calls_allowed_can_be_set(sandbox: RunningSandbox) -> None:
    """Of those that stop nobody: stopping all of them takes minutes."""
    place = {"workspace": str(built_in()), "environment": "sandbox", "sandbox": sandbox.name}
    stopping = {"down", "killed", "crash", "reload", "partition", "blackhole"}
    tried = 0
    for one in possible({**place}):
        if one.verb == "fault.set" and one.allowed and one.fault.partition(".")[2] not in stopping:
            control.set_fault(one.fault, one.value, for_s=5, name=sandbox.name)
            control.clear_faults(name=sandbox.name)
            tried += 1
    assert tried > 15


def test_a_sandbox_that_is_down_is_a_source_that_is_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path / "state"))
    done = asked(built_in())
    assert done.returncode == 5
    assert "the sandbox main is not running" in done.stdout
    assert "try: keelwatch sandbox up" in done.stdout


def test_elsewhere_nothing_breaks_on_request_and_that_is_an_answer(tmp_path: Path) -> None:
    done = asked(written(tmp_path).file, "--plain")
    assert done.returncode == 0
    assert "here is no sandbox: there is nothing in it that breaks on request" in done.stdout
    assert "here is no sandbox: its processes are not declared" in done.stdout


def test_the_kernel_is_really_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a `tc` of the test's own, `unshare` can do whatever `tc` can."""
    if os.geteuid() != 0 or shutil.which("unshare") is None:
        pytest.skip("a network of one's own takes root")
    tc = tmp_path / "tc"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    args = written(tmp_path / "here").args()

    def netem() -> tuple[bool, str]:
        found = next(one for one in possible(args) if one.fault == "host netem")
        return found.allowed, found.why

    tc.write_text("#!/bin/sh\necho 'Error: Specified qdisc kind is unknown.' >&2; exit 2\n")
    tc.chmod(0o755)
    assert netem() == (False, "Error: Specified qdisc kind is unknown.")
    tc.write_text("#!/bin/sh\nexit 0\n")
    assert netem() == (True, "")


def test_json_and_plain_exclude_each_other(tmp_path: Path) -> None:
    assert asked(written(tmp_path).file, "--plain", "--json").returncode == 2
