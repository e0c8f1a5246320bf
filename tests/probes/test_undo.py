"""What a journey changed is taken back, whoever dies: on real processes and a real ledger."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable

import pytest

from keelwatch.runs.mark import read_mark
from keelwatch.workspace import run_dir, state_dir
from tests.probes.conftest import CHANGE, LOGIN, Bench, only
from tests.probes.shop import Asked, Reply

STUCK = LOGIN + CHANGE + "  - name: wait\n    get: /slow\n"
CHANGE_TWICE = CHANGE + CHANGE.replace("$old", "$older").replace("old:", "older:").replace("plus", "max")


def until(claim: Callable[[], object], within_s: float = 20.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def plans_put(bench: Bench) -> list[object]:
    return [one.body["plan"] for one in bench.shop.asked("PUT", "/plan") if isinstance(one.body, dict)]


def the_run() -> str:
    (found,) = (state_dir() / "runs").iterdir()
    return found.name


def test_several_undos_run_in_reverse(bench: Bench) -> None:
    bench.journey("twice", LOGIN + CHANGE_TWICE)
    code, out, err = bench.run("probe", "run", "twice")
    assert code == 0, out + err
    assert plans_put(bench) == ["plus", "max", "plus", "basic"]


def test_a_failed_step_undoes_those_before_it(bench: Bench) -> None:
    bench.journey("bad", LOGIN + CHANGE + "  - get: /plan\n    expect: {json: {plan: gold}}\n")
    code, out, _ = bench.run("probe", "run", "bad")
    assert code == 1
    assert "json plan: wanted gold, got plus [assertion]" in out
    assert bench.shop.plans["ada"] == "basic"


def test_the_deadline_of_a_journey_undoes_and_keeps_what_ran(bench: Bench) -> None:
    bench.journey("late", STUCK, deadline="1500ms")
    code, found = bench.result("late")
    assert code == 1
    execution = only(found)
    assert [step["state"] for step in execution["steps"]] == ["ok", "ok", "ok", "failed"]
    assert (
        execution["steps"][3]["reason"]
        == "no answer: cut off by the journey's deadline, or a stop, during wait"
    )
    assert bench.shop.plans["ada"] == "basic"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_undoes_and_says_so(bench: Bench, number: signal.Signals) -> None:
    bench.journey("stuck", STUCK)
    process = bench.start("probe", "run", "stuck")
    until(lambda: bench.shop.asked("GET", "/slow"))
    process.send_signal(number)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 7, out + err
    assert "taken back   step 3 put, and verified" in out
    assert bench.shop.plans["ada"] == "basic"


def test_the_guardian_undoes_after_a_kill(bench: Bench) -> None:
    """It logs in anew: no token of the dead run is on record."""
    bench.journey("stuck", STUCK)
    process = bench.start("probe", "run", "stuck")
    until(lambda: bench.shop.asked("GET", "/slow"))
    mark = read_mark(run_dir(the_run()) / "process.json")
    assert mark is not None
    mark.send(signal.SIGKILL)
    process.communicate(timeout=60)
    until(lambda: bench.shop.plans["ada"] == "basic")
    assert len(bench.shop.asked("POST", "/v1/login")) == 2
    until(lambda: bench.run("heal", "--list")[0] == 0)


def test_a_kill_keeps_the_steps_that_ran(bench: Bench) -> None:
    bench.journey("stuck", STUCK)
    process = bench.start("probe", "run", "stuck", "--json", "-")
    until(lambda: bench.shop.asked("GET", "/slow"))
    mark = read_mark(run_dir(the_run()) / "process.json")
    assert mark is not None
    mark.send(signal.SIGKILL)
    out, _ = process.communicate(timeout=60)
    (execution,) = json.loads(out)["executions"]
    assert [step["name"] for step in execution["steps"]] == ["log in", "read", "change"]
    assert execution["result"] == "inconclusive"
    assert execution["account"] == "ada"


def test_after_a_kill_the_report_says_what_was_taken_back(bench: Bench) -> None:
    bench.journey("stuck", STUCK)
    process = bench.start("probe", "run", "stuck", "--junit", str(bench.folder / "junit.xml"))
    until(lambda: bench.shop.asked("GET", "/slow"))
    mark = read_mark(run_dir(the_run()) / "process.json")
    assert mark is not None
    mark.send(signal.SIGKILL)
    out, _ = process.communicate(timeout=60)
    assert "INCONCLUSIVE  stuck (west)" in out
    assert "taken back   step 3 put, and verified" in out
    assert "taken back   step 3 put, and verified" in (bench.folder / "junit.xml").read_text()
    assert bench.shop.plans["ada"] == "basic"
    assert bench.run("probe", "show", "stuck")[0] == 4


def refuse_undo(asked: Asked) -> Reply | None:
    is_undo = asked.method == "PUT" and isinstance(asked.body, dict) and asked.body["plan"] == "basic"
    return (500, {"error": "no"}) if is_undo else None


def test_a_failed_undo_is_left_behind_quarantines_the_account_and_is_healed(bench: Bench) -> None:
    bench.journey("change", LOGIN + CHANGE, cleanup_reserve="3s")
    bench.shop.before = refuse_undo
    code, out, _ = bench.run("probe", "run", "change")
    assert code == 8, out
    assert "LEFT BEHIND" in out
    code, out, _ = bench.run("heal", "--list", "--json")
    assert code == 8
    (undo,) = json.loads(out)["open"]
    assert (undo["verb"], undo["target"], undo["state"]) == ("probe.step", "shop/ada", "failed")

    bench.journey("look", LOGIN + "  - get: /plan\n")
    code, found = bench.result("look")
    assert code == 0
    assert only(found)["account"] == "bob"

    bench.shop.before = lambda _: None
    assert bench.run("heal")[0] == 0
    assert bench.shop.plans["ada"] == "basic"
    os.utime(state_dir() / "leases" / "shop%2Fada.lock", (0, 0))
    code, found = bench.result("look")
    assert only(found)["account"] == "ada"


def test_the_undo_is_on_disk_before_the_portal_is_touched(bench: Bench) -> None:
    seen: list[str] = []

    def look(asked: Asked) -> Reply | None:
        if asked.method == "PUT":
            seen.append(bench.run("heal", "--list", "--json")[1])
        return None

    bench.shop.before = look
    bench.journey("change", LOGIN + CHANGE)
    assert bench.run("probe", "run", "change")[0] == 0
    (undo, *_) = json.loads(seen[0])["open"]
    assert undo["state"] == "held"
    assert '"plan":"basic"' in undo["undo"]


def test_what_is_written_ahead_holds_no_secret(bench: Bench) -> None:
    bench.journey("change", LOGIN + CHANGE)
    assert bench.run("probe", "run", "change")[0] == 0
    for file in state_dir().rglob("*"):
        if file.is_file():
            data = file.read_bytes()
            assert bench.shop.password.encode() not in data, file
            assert b"token-of-ada" not in data, file
