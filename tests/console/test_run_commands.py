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


def test_runs_lists_a_run_while_it_lives_and_after(stage: Stage) -> None:
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


def test_attach_follows_to_the_end_and_ends_with_the_verdict(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=1)
    done = keelwatch("attach", run)

    assert done.returncode == 0
    assert "billing is down" in done.stdout
    assert "verdict  pass" in done.stdout


def test_ctrl_c_at_a_follower_stops_the_run_which_undoes(stage: Stage) -> None:
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


def test_closing_the_terminal_only_detaches(stage: Stage) -> None:
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


def test_heal_closes_what_run_and_guardian_left_when_both_were_killed(stage: Stage) -> None:
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


def test_stop_all_stops_every_run_of_an_environment_and_no_other(stage: Stage) -> None:
    runs = [stage.spawn("probe", hold_s=60) for _ in range(2)]

    assert "no living run" in keelwatch("stop", "--all", "--env", "sandbox").stdout
    assert "no living run" in keelwatch("--env", "sandbox", "stop", "--all").stdout
    done = keelwatch("stop", "--all", "--env", "toy", "--json")
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema"], document["environment"]) == (0, "keelwatch/stop/1", "toy")
    assert document["stopped"] == [{"run": run, "signalled": True, "error": None} for run in sorted(runs)]
    for run in runs:
        stage.until_over(run)


def test_stop_all_of_a_mistyped_environment_is_a_usage_error_and_stops_nothing(stage: Stage) -> None:
    run = stage.spawn("probe", hold_s=60)

    for typed, meant in (("sandbx", "sandbox"), ("tpy", "toy")):
        done = keelwatch("stop", "--all", "--env", typed)
        assert (done.returncode, done.stdout) == (2, "")
        assert f"did you mean '{meant}'?" in done.stderr
    os.kill(stage.pid(run), 0)  # it lives: this does not raise

    assert keelwatch("stop", run).returncode == 0
    stage.until_over(run)
    assert keelwatch("stop", "--all", "--env", "sandbx").returncode == 2


@pytest.mark.parametrize("workspace", ["broken", "missing"])
def test_the_lever_goes_by_what_runs_recorded_when_the_workspace_cannot_be_read(
    stage: Stage,
    workspace: str,
) -> None:
    folder = stage.world / workspace
    if workspace == "broken":
        folder.mkdir()
        (folder / "keelwatch.yaml").write_text("environments: [\n")
    lever = ("--workspace", str(folder), "stop", "--all", "--env")
    assert keelwatch(*lever, "anything").returncode == 0, "nothing lives, so there is nothing to stop"
    run = stage.spawn("probe", hold_s=60)

    missed = keelwatch(*lever, "tpy")
    assert missed.returncode == 4, "whether that was a mistake, nobody can say"
    assert "no living run recorded 'tpy'" in missed.stderr
    os.kill(stage.pid(run), 0)

    assert keelwatch(*lever, "toy").returncode == 0
    stage.until_over(run)


def test_a_run_that_lost_its_record_is_stopped_and_the_mistake_is_told(stage: Stage) -> None:
    run = stage.spawn("probe", hold_s=60)
    stage.until_value("account", "opened")  # its guardian has read the record by now
    (stage.state / "runs" / run / "spec.json").write_text("{")

    done = keelwatch("stop", "--all", "--env", "sandbx")

    assert done.returncode == 2
    assert done.stdout == f"{run}  told to stop\n"
    assert "did you mean 'sandbox'?" in done.stderr
    stage.until_over(run)


def test_attach_json_is_one_document_at_the_end(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=0.5)
    done = keelwatch("attach", run, "--json")
    document = json.loads(done.stdout)

    assert (document["schema"], document["environment"]) == ("keelwatch/attach/1", "toy")
    assert (document["end"], document["exit"], document["question"]) == ("over", 0, None)
    assert (document["run"]["id"], document["run"]["state"]) == (run, "ended")
    assert "billing is down" in done.stderr


def test_a_follower_whose_reader_left_detaches(stage: Stage) -> None:
    run = stage.spawn("load", hold_s=60)
    reading, writing = os.pipe()
    follower = subprocess.Popen([sys.executable, "-m", "tests.toys.cli", "attach", run], stdout=writing)
    os.close(writing)
    assert os.read(reading, 1)
    os.close(reading)

    assert follower.wait(30) == 0
    os.kill(stage.pid(run), 0)  # it lives: this does not raise
    keelwatch("stop", run)
    stage.until_over(run)


@pytest.mark.parametrize(
    ("words", "code"), [(("stop",), 2), (("stop", "no-such-run"), 2), (("attach", "no-such-run"), 2)]
)
def test_what_cannot_be_done_says_so_with_its_code(stage: Stage, words: tuple[str, ...], code: int) -> None:
    done = keelwatch(*words)

    assert done.returncode == code
    assert "Traceback" not in done.stderr
