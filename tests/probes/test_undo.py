"""What a journey changed is taken back, whoever dies: on real processes and a real ledger."""

from __future__ import annotations

import json
import os
import signal
import threading
import time
from collections.abc import Callable

import pytest

from keelwatch.ledger import JsonObject
from keelwatch.runs.mark import read_mark
from keelwatch.runs.undo import TRIES
from keelwatch.workspace import SourceError, run_dir, state_dir
from probes import taking_back
from probes.one_time_code import Turn
from probes.taking_back import LIVING, Live
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
    told = "no answer: cut off by the journey's deadline during wait"
    assert execution["steps"][3]["reason"] == told
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
    assert "stopped: SIGTERM [ours]" in out  # the run's own: its follower passes on that it is to stop
    assert "no answer: cut off by a stop (SIGTERM) during wait" in err
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


def left_of(bench: Bench) -> object:
    """What is still open, once nobody is at work."""
    return json.loads(bench.run("heal", "--list", "--json")[1])["open"]


def test_a_step_in_doubt_is_taken_back_though_the_reserve_is_shorter_than_it_may_land(bench: Bench) -> None:
    """Only asking takes from the reserve; waiting until nothing can land any more does not."""

    def land_late(asked: Asked) -> Reply | None:
        if asked.method == "PUT" and isinstance(asked.body, dict) and asked.body["plan"] == "plus":
            time.sleep(1.5)  # the portal's own slowness
        return None

    bench.shop.before = land_late
    hasty = CHANGE.replace("    body: {plan: plus}\n", "    body: {plan: plus}\n    within: 500ms\n")
    bench.journey("doubt", LOGIN + hasty, cleanup_reserve="1s")
    code, found = bench.result("doubt")
    assert (code, only(found)["cause"]) == (1, "http")
    assert only(found)["undos"] == [{"step": "2-put", "done": True, "error": ""}]
    assert bench.shop.plans["ada"] == "basic"
    assert left_of(bench) == []


def test_undos_of_many_executions_wait_for_no_thread(bench: Bench) -> None:
    """Each has the same second of its own, however many there are and however small the machine is."""
    names = [f"u{number}" for number in range(10)]
    bench.shop.plans = dict.fromkeys(names, "basic")
    together = threading.Barrier(len(names), timeout=10)

    def meet(asked: Asked) -> Reply | None:
        if asked.method == "PUT" and isinstance(asked.body, dict) and asked.body["plan"] == "basic":
            together.wait()  # answered once all of them ask
        return None

    bench.shop.before = meet
    file = bench.folder / "keelwatch.yaml"
    accounts = "".join(
        f'        - {{name: {name}, region: west, password: "env:SHOP_PASSWORD"}}\n' for name in names
    )
    before, _, after = file.read_text().partition("      pool:\n")
    file.write_text(f"{before}      pool:\n{accounts}components:{after.partition('components:')[2]}")
    for name in names:
        bench.journey(name, LOGIN + CHANGE, cleanup_reserve="6s")
    code, found = bench.result("--all")
    assert [undo["error"] for one in found["executions"] for undo in one["undos"]] == [""] * len(names)
    assert code == 0
    assert set(bench.shop.plans.values()) == {"basic"}


def test_an_undo_that_succeeds_at_last_is_told_as_such_everywhere(bench: Bench) -> None:
    """The run tries once more before it closes: exit code, report, history and ledger say what is then."""
    refused: list[Asked] = []

    def refuse_at_first(asked: Asked) -> Reply | None:
        refusal = refuse_undo(asked)
        if refusal is None or len(refused) == TRIES:
            return None
        refused.append(asked)
        return refusal

    bench.shop.before = refuse_at_first
    bench.journey("change", LOGIN + CHANGE)
    junit = bench.folder / "junit.xml"
    code, out, err = bench.run("probe", "run", "change", "--json", "-", "--junit", str(junit))
    execution = only(json.loads(out))
    assert len(refused) == TRIES
    assert (code, execution["result"]) == (0, "pass")
    assert execution["undos"] == [{"step": "2-put", "done": True, "error": ""}]
    assert err.splitlines()[-1].startswith("pass  change (west)")
    assert "LEFT BEHIND" not in junit.read_text()
    code, out, _ = bench.run("probe", "show", "change")
    assert (code, "LEFT BEHIND" in out) == (0, False)
    assert left_of(bench) == []


def test_an_undo_waits_for_its_one_time_code_on_nobodys_time(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After a logout it has to log in anew, and the code before is used."""
    file = bench.folder / "keelwatch.yaml"
    file.write_text(
        file.read_text().replace('west, password: "env:', 'west, totp: "env:SHOP_TOTP", password: "env:', 1)
    )
    monkeypatch.setenv("SHOP_PASSWORD", bench.shop.password)
    monkeypatch.setenv("SHOP_TOTP", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    monkeypatch.setattr("probes.login.next_turn", lambda now, last, spare_s: Turn(last + 1, 1.5))
    said: list[str] = []
    monkeypatch.setitem(LIVING, "e1", Live(None, reserve_s=1.0, say=said.append))
    args: JsonObject = {
        "workspace": str(file), "environment": "shop", "sandbox": "", "region": "west", "pool": "pool",
        "account": "ada", "execution": "e1", "secrets": {}, "folder": str(bench.folder), "own": True,
        "login": {"flow": "json", "totp": True}, "verify": {"method": "get", "path": "/plan"},
    }  # fmt: skip
    assert taking_back.asked(args, "verify", within_s=20.0).json == {"plan": "basic"}
    (login,) = bench.shop.asked("POST", "/v1/login")
    assert isinstance(login.body, dict)
    assert len(login.body["otp"]) == 6
    reserve_s = LIVING["e1"].reserve_s
    assert reserve_s is not None
    assert 0 < reserve_s < 1.0
    assert taking_back.asked(args, "verify", within_s=20.0).status == 200  # with the session that it has now
    assert len(bench.shop.asked("POST", "/v1/login")) == 1


def test_a_spent_reserve_asks_nothing_more(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(LIVING, "e2", Live(None, reserve_s=0.0))
    with pytest.raises(SourceError, match="the time kept for undoing is over"):
        taking_back.asked({"execution": "e2"}, "verify", within_s=20.0)
    assert bench.shop.log == []
