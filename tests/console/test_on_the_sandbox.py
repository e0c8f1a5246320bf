"""The real program on the real sandbox: what a user types, what comes back, with which exit code."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from console.watching import start_watch, stop_watch
from keelwatch.workspace.find import built_in
from tests.console.tmux import Terminal, terminal
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

OBJECTIVES = built_in().parents[2] / "slo" / "objectives"
KEELWATCH = str(Path(sys.executable).parent / "keelwatch")


def keelwatch(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KEELWATCH, *words],
        env={**os.environ, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def workspace_of(sandbox: RunningSandbox, folder: Path, objectives: Path) -> str:
    """The built-in workspace, for this sandbox and these objectives."""
    text = built_in().read_text().replace("sandbox: main", f"sandbox: {sandbox.name}")
    text = text.replace("../../slo/objectives", str(objectives)).replace(
        "../../", f"{built_in().parents[2]}/"
    )
    folder.mkdir()
    (folder / "keelwatch.yaml").write_text(text)
    return str(folder)


@pytest.fixture
def workspace(sandbox: RunningSandbox, tmp_path: Path) -> str:
    """Bound to the session's sandbox, over the objectives on real traffic: nobody watches its journeys."""
    objectives = tmp_path / "objectives"
    objectives.mkdir()
    for file in OBJECTIVES.glob("*.yaml"):
        if not file.name.startswith("probe-"):
            (objectives / file.name).symlink_to(file)
    return workspace_of(sandbox, tmp_path / "workspace", objectives)


@pytest.fixture
def screen(workspace: str) -> Iterator[Terminal]:
    with terminal(120, 36, f"{KEELWATCH} --workspace {workspace}") as opened:
        opened.until("prometheus ok")
        yield opened


@pytest.fixture
def watched(sandbox: RunningSandbox, tmp_path: Path) -> Iterator[str]:
    """A workspace of all objectives; the journeys are watched, as `sandbox up` has it."""
    start_watch(sandbox.first)
    yield workspace_of(sandbox, tmp_path / "whole", OBJECTIVES)
    stop_watch(sandbox.name)


def status_of(workspace: str) -> dict[str, Any]:
    found = json.loads(keelwatch("status", "--json", "--workspace", workspace).stdout)
    assert isinstance(found, dict)
    return found


def unknown_in(document: dict[str, Any]) -> list[str]:
    """What has no finite burn rate somewhere. The time of a journey that our own machine spoiled is not
    observed, so a busy one may leave a journey's latency without."""
    return [
        one["name"]
        for one in document["objectives"]
        if not one["name"].startswith("probe-") or not one["name"].endswith("-latency")
        if one["unknown_reason"] or not all(isinstance(rate, float | int) for rate in one["burn"].values())
    ]


def test_every_objective_on_real_traffic_has_finite_burn_rates(workspace: str) -> None:
    until(lambda: not unknown_in(status_of(workspace)), 30)
    assert_is_a_status_of_many(status_of(workspace), 12)


@pytest.mark.deep
def test_every_objective_has_finite_burn_rates(watched: str) -> None:
    """Those on journeys too, soon after each has run once."""
    until(lambda: not unknown_in(status_of(watched)), 180)
    assert_is_a_status_of_many(status_of(watched), 40)


def assert_is_a_status_of_many(document: dict[str, Any], objectives: int) -> None:
    assert (document["schema"], document["environment"]) == ("keelwatch/status/1", "sandbox")
    assert len(document["objectives"]) >= objectives
    for one in document["objectives"]:
        assert set(one["burn"]) == {"5m", "30m", "1h", "2h", "6h", "1d", "3d", "period"}
    assert document["backfill_until"] < document["at"]


def test_billing_down_pages_within_ninety_seconds_on_the_command_line_and_on_the_screen(
    sandbox: RunningSandbox, workspace: str, screen: Terminal
) -> None:
    began = time.monotonic()
    fault = keelwatch("sandbox", "fault", "billing.errors", "100%", "--name", sandbox.name)
    assert fault.returncode == 0

    while (done := keelwatch("status", "--workspace", workspace)).returncode != 1:
        assert time.monotonic() - began < 90, done.stdout + done.stderr
        time.sleep(2)

    screen.until("PAGE")
    shown = screen.until("WHAT CHANGED  ")
    assert "fault billing.errors 100%" in shown
    screen.press("g", "Enter")
    screen.until("BOTH OVER FOR")
    screen.until("[shared]")
    screen.press("s", "s")
    assert re.search(r"route=[a-z-]+ +\d", screen.until("by route"))
    screen.press("w")
    screen.until("increase(portal_requests_total")
    document = json.loads(keelwatch("status", "--json", "--workspace", workspace).stdout)
    paging = {one["component"] for one in document["objectives"] if one["state"] == "page"}
    assert "billing" in paging
    assert "identity" not in paging


def test_the_regions_say_how_many_workers_are_up_and_how_fast_they_answer(screen: Terminal) -> None:
    shown = screen.until("P95 5m")

    for region in ("west", "east"):
        (line,) = [line for line in shown.splitlines() if re.match(rf" {region} +\d", line)]
        assert re.search(r"2/2 .* [\d.]+m?s( |$)", line), line


def test_the_past_is_evaluated_anew_and_f_returns_to_now(screen: Terminal) -> None:
    screen.press("[", "[")
    shown = screen.until("REPLAY")
    assert re.search(r"REPLAY (\d\d-\d\d )?\d\d:\d[05]Z \|", shown)
    assert "was " in screen.until("f: live")
    screen.press("Enter")
    screen.until("-30d")
    screen.press("f")
    screen.until("READ-ONLY")
    assert "REPLAY" not in screen.text()


def test_prometheus_killed_dims_the_data_and_the_console_recovers(
    sandbox: RunningSandbox, screen: Terminal
) -> None:
    os.kill(sandbox.pid("prometheus"), signal.SIGSTOP)
    try:
        shown = screen.until("prometheus DOWN")
        assert "was OK" in shown
        assert "UNKNOWN  no data for" in shown
    finally:
        os.kill(sandbox.pid("prometheus"), signal.SIGKILL)

    shown = screen.until("prometheus ok", within_s=60)
    assert "was OK" not in shown


def test_a_second_terminal_of_80x24_shows_the_same_and_survives_a_resize(workspace: str) -> None:
    with terminal(80, 24, f"COLUMNS=80 LINES=24 {KEELWATCH} --workspace {workspace} --ascii") as opened:
        shown = opened.until("prometheus ok")
        assert all(len(line) <= 80 for line in shown.splitlines())
        assert "EMPTY @1h" in shown
        opened.resize(120, 36)
        opened.until("LAST HOUR")
        opened.press("q")
        opened.until_gone()


@pytest.mark.parametrize(
    ("option", "words", "code"), [("--env nope", "no environment 'nope'", 2), ("", "found", 3)]
)
def test_a_workspace_that_cannot_be_used_ends_the_console_and_says_why(
    workspace: str, option: str, words: str, code: int
) -> None:
    if not option:
        (Path(workspace) / "keelwatch.yaml").write_text("keelwatch: 2\n")
    command = f"{KEELWATCH} --workspace {workspace} {option}; echo ENDED $?; sleep 60"
    with terminal(120, 36, command) as opened:
        shown = opened.until(f"ENDED {code}")

    assert words in shown


def test_no_color_writes_no_colour_at_all(workspace: str) -> None:
    with terminal(120, 36, f"NO_COLOR=1 {KEELWATCH} --workspace {workspace}") as opened:
        opened.until("prometheus ok")

        coloured = [
            code for code in opened.codes() if code not in {"0", "1", "2", "7", "39", "49", "22", "27"}
        ]
        assert coloured == []


def test_without_a_terminal_the_console_prints_plain_text(workspace: str) -> None:
    done = keelwatch("--workspace", workspace)

    assert done.returncode == keelwatch("status", "--workspace", workspace).returncode
    assert "\x1b" not in done.stdout
    assert "login-availability west" in done.stdout


def test_slo_commands_show_one_objective_and_its_evidence(workspace: str) -> None:
    listed = keelwatch("slo", "list", "--workspace", workspace)
    shown = keelwatch("slo", "show", "login-availability", "--region", "west", "--workspace", workspace)
    why = keelwatch(
        "slo", "why", "login-availability", "--region", "west", "--json", "--workspace", workspace
    )

    assert "login-availability west" in listed.stdout
    assert "WINDOW PAIR" in shown.stdout
    assert "Budget burn-down 30d" in shown.stdout
    assert re.search(r"^history: before (\d\d-\d\d )?\d\d:\d\d BACKFILLED$", listed.stdout, re.MULTILINE)
    assert re.search(r"^history: before (\d\d-\d\d )?\d\d:\d\d BACKFILLED$", shown.stdout, re.MULTILINE)
    explained = json.loads(why.stdout)
    assert 0 < explained["backfill_until"] < explained["at"]
    (one,) = explained["objectives"]
    assert "increase(portal_requests_total" in one["windows"][0]["part_query"]
    assert keelwatch("slo", "show", "login-avail", "--workspace", workspace).returncode == 2


def test_a_sandbox_that_is_down_is_unknown_and_five(workspace: str, tmp_path: Path) -> None:
    done = keelwatch(
        "status", "--json", "--workspace", workspace, KEELWATCH_STATE=str(tmp_path / "elsewhere")
    )
    document = json.loads(done.stdout)

    assert done.returncode == 5
    assert document["source_error"].startswith("the sandbox 'tests' is not running")
    assert {one["state"] for one in document["objectives"]} == {"unknown"}


def test_what_was_done_to_the_sandbox_is_in_the_ledger(sandbox: RunningSandbox) -> None:
    keelwatch("sandbox", "fault", "cache.latency", "5ms", "--region", "east", "--name", sandbox.name)
    keelwatch("sandbox", "fault", "clear", "--name", sandbox.name)
    verified = keelwatch("audit", "verify")

    assert verified.returncode == 0
    assert int(verified.stdout.split()[0]) >= 2


def test_doctor_finds_everything_in_order(workspace: str) -> None:
    done = keelwatch("doctor", "--json", "--workspace", workspace)
    findings = {one["subject"]: one["state"] for one in json.loads(done.stdout)["findings"]}

    assert done.returncode == 0
    assert findings["prometheus"] == findings["ledger"] == findings["servers"] == "ok"
