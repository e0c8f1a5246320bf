"""`runs`, `attach`, `stop` and `heal`, from other processes than the run's, over toy actors."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from tests.runs.conftest import Stage, stage, until  # noqa: F401 - `stage` is a fixture
from tests.toys.world import value


def keelwatch(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tests.toys.cli", *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_runs_lists_a_run_while_it_lives_and_after(stage: Stage) -> None:  # noqa: F811
    run = stage.spawn("probe", hold_s=30)
    (living,) = json.loads(keelwatch("runs", "--json").stdout)["runs"]

    assert living | {"started": 0, "actor": ""} == {
        "id": run, "kind": "probe", "name": "toy", "state": "running", "pid": stage.pid(run),
        "started": 0, "actor": "", "verdict": None,
    }  # fmt: skip

    assert keelwatch("stop", run, "--reason", "enough").returncode == 0
    stage.until_over(run)
    (ended,) = json.loads(keelwatch("runs", "--json").stdout)["runs"]

    assert (ended["state"], ended["pid"]) == ("ended", None)
    assert ended["verdict"].startswith("inconclusive: stopped")
    assert value(stage.world, "account") == ""


def test_attach_follows_to_the_end_and_ends_with_the_verdict(stage: Stage) -> None:  # noqa: F811
    run = stage.spawn("chaos", hold_s=1)
    done = keelwatch("attach", run)

    assert done.returncode == 0
    assert "billing is down" in done.stdout
    assert "verdict  pass" in done.stdout


def test_ctrl_c_at_a_follower_stops_the_run_which_undoes(stage: Stage) -> None:  # noqa: F811
    run = stage.spawn("chaos", hold_s=60)
    follower = subprocess.Popen(
        [sys.executable, "-m", "tests.toys.cli", "attach", run], stdout=subprocess.PIPE, text=True
    )
    assert follower.stdout is not None
    for line in follower.stdout:
        if "billing is down" in line:
            break
    follower.send_signal(signal.SIGINT)
    follower.stdout.read()

    assert follower.wait(30) == 7
    assert value(stage.world, "billing") == ""


def test_closing_the_terminal_only_detaches(stage: Stage) -> None:  # noqa: F811
    run = stage.spawn("chaos", hold_s=60)
    follower = subprocess.Popen(
        [sys.executable, "-m", "tests.toys.cli", "attach", run], stdout=subprocess.PIPE, text=True
    )
    assert follower.stdout is not None
    follower.stdout.readline()
    follower.send_signal(signal.SIGHUP)

    assert follower.wait(30) == 0
    os.kill(stage.pid(run), 0)  # it lives: this does not raise
    keelwatch("stop", run)
    stage.until_over(run)


def test_heal_closes_what_run_and_guardian_left_when_both_were_killed(stage: Stage) -> None:  # noqa: F811
    run = stage.spawn("chaos", hold_s=60)
    stage.until_value("billing", "down")
    until(lambda: "open" in keelwatch("heal", "--list", "--json").stdout)
    held = json.loads(keelwatch("heal", "--json").stdout)
    assert {one["state"] for one in held["open"]} == {"held"}

    stage.kill(run, "guardian", signal.SIGSTOP)
    stage.kill(run)
    stage.kill(run, "guardian")
    listed = keelwatch("heal", "--list", "--json")
    until(lambda: keelwatch("heal", "--list").returncode == 8, what="an orphaned undo")
    assert json.loads(listed.stdout)["schema"] == "keelwatch/heal/1"

    healed = keelwatch("heal", "--json")
    assert healed.returncode == 0
    assert json.loads(healed.stdout)["open"] == []
    assert value(stage.world, "billing") == ""
    assert "nothing is open" in keelwatch("heal").stdout
    assert keelwatch("audit", "verify").returncode == 0


def test_stop_all_stops_every_run_of_an_environment_and_no_other(stage: Stage) -> None:  # noqa: F811
    runs = [stage.spawn("probe", hold_s=60) for _ in range(2)]

    assert "no living run" in keelwatch("stop", "--all", "--env", "elsewhere").stdout
    assert "no living run" in keelwatch("--env", "elsewhere", "stop", "--all").stdout
    assert keelwatch("stop", "--all", "--env", "toy").returncode == 0
    for run in runs:
        stage.until_over(run)


@pytest.mark.parametrize(
    ("words", "code"), [(("stop",), 2), (("stop", "no-such-run"), 4), (("attach", "no-such-run"), 5)]
)
def test_what_cannot_be_done_says_so_with_its_code(stage: Stage, words: tuple[str, ...], code: int) -> None:  # noqa: F811
    done = keelwatch(*words)

    assert done.returncode == code
    assert "Traceback" not in done.stderr
