"""`process.kill` and `process.hang` on the sandbox's own processes, and nobody else's."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.adapters.host import VERBS, waker
from keelwatch.ledger import FactKind, JsonObject, SqliteLedger, open_ledger
from keelwatch.runs import list_open, spawn, view
from keelwatch.runs.mark import kill_marked, read_mark
from keelwatch.runs.state import has_guardian, is_alive
from keelwatch.runs.verb import Attempt
from keelwatch.workspace import Answer, Refused, SourceError, UsageError, run_dir
from keelwatch.workspace.find import built_in
from keelwatch.workspace.paths import state_dir
from tests.adapters.acting import ENTRY, TABLE
from tests.adapters.estate import written
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

ROOT = Path(__file__).parents[2]
KILL, UP, HANG, WAKE = (
    VERBS[name] for name in ("process.kill", "process.up", "process.hang", "process.wake")
)


def args(process: str, **more: object) -> JsonObject:
    place = {"workspace": str(built_in()), "environment": "sandbox", "sandbox": "tests"}
    return {**place, "process": process, **more}  # type: ignore[dict-item]


def attempt(before: JsonObject) -> Attempt:
    return Attempt("run/step/key", 1, 1, before)


def hung(wish: JsonObject) -> JsonObject:
    """Stop it; returns the arguments of what wakes it."""
    before = HANG.plan(wish).before
    HANG.do(wish, attempt(before))
    back = HANG.undo(wish, before)
    assert back is not None
    return back.args


def invoices(client: httpx.Client) -> int:
    return client.get("/v1/invoices").status_code


def notes() -> list[Path]:
    return list((state_dir() / "hung").glob("*.json"))


def wakers() -> list[bytes]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            try:
                line = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if b"waker.py" in line and str(state_dir()).encode() in line:
                found.append(line)
    return found


# killed


def test_a_killed_process_is_known_by_its_start_and_is_back_before_its_undo_counts(
    sandbox: RunningSandbox,
) -> None:
    wish, pid = args("west-billing", begun_before=time.time()), sandbox.pid("west-billing")
    killed = (pid, int(waker.stat_of(pid)[19]))
    predicted = KILL.plan(wish)
    assert predicted.summary.startswith(f"kills west-billing (pid {pid}) of sandbox tests")
    assert KILL.check(wish).answer is Answer.NO

    KILL.do(wish, attempt({}))
    assert not waker.is_alive(killed)
    back = KILL.undo(wish, {})
    assert back is not None
    UP.do(back.args, attempt({}))
    assert (UP.check(back.args).answer, KILL.check(wish).answer) == (Answer.YES, Answer.YES)

    now = sandbox.pid("west-billing")
    assert KILL.do(wish, attempt({}))["killed"] is None, "another process by now, and left alone"
    assert sandbox.pid("west-billing") == now != pid


def test_without_a_moment_nobody_can_tell_whether_it_was_killed(sandbox: RunningSandbox) -> None:
    assert KILL.check(args("west-billing")).answer is Answer.UNKNOWN


# hung


def test_a_hung_process_is_woken_as_it_was(sandbox: RunningSandbox) -> None:
    wish, pid = args("west-billing", for_s=60), sandbox.pid("west-billing")
    with sandbox.customer(edge="west-edge") as client:
        assert HANG.check(wish).answer is Answer.NO
        back = hung(wish)
        assert HANG.check(wish).answer is Answer.YES
        assert (invoices(client), WAKE.check(back).answer) == (503, Answer.NO)
        with pytest.raises(Refused, match="hangs already"):
            HANG.plan(wish)

        WAKE.do(back, attempt({}))
        assert WAKE.check(back).answer is Answer.YES
        until(lambda: invoices(client) == 200)
    assert sandbox.pid("west-billing") == pid
    assert notes() == []
    until(lambda: wakers() == [], 3)


def test_a_hang_ends_by_itself_and_its_waker_with_it(sandbox: RunningSandbox) -> None:
    back = hung(args("west-billing", for_s=1))
    assert len(wakers()) == 1
    until(lambda: WAKE.check(back).answer is Answer.YES, 5)
    until(lambda: wakers() == [] and notes() == [], 3)


def test_a_database_hangs_with_every_process_it_has_started(sandbox: RunningSandbox) -> None:
    """Stopping the postmaster alone would stop nobody's query."""
    with sandbox.customer(edge="east-edge") as client:
        assert invoices(client) == 200
        back = hung(args("postgres-east", for_s=60))
        assert invoices(client) == 503
        WAKE.do(back, attempt({}))
        assert WAKE.check(back).answer is Answer.YES
        until(lambda: invoices(client) == 200)
    until(sandbox.is_streaming)


def test_a_hung_process_that_is_killed_is_stopped_no_more(sandbox: RunningSandbox) -> None:
    back = hung(args("west-billing", for_s=60))
    os.kill(sandbox.pid("west-billing"), signal.SIGKILL)
    until(lambda: WAKE.check(back).answer is Answer.YES)
    until(lambda: wakers() == [], 3)


def test_a_process_that_started_since_the_plan_is_not_stopped(sandbox: RunningSandbox) -> None:
    wish, pid = args("west-billing", for_s=60), sandbox.pid("west-billing")
    before = HANG.plan(wish).before
    os.kill(pid, signal.SIGKILL)
    until(lambda: sandbox.pid("west-billing") != pid)
    with pytest.raises(SourceError, match="has started since"):
        HANG.do(wish, attempt(before))


# nobody else's


@pytest.mark.parametrize("name", ["supervisor", "init", "1", "nobody"])
def test_what_is_no_part_of_the_sandbox_is_refused(sandbox: RunningSandbox, name: str) -> None:
    for verb, more in ((KILL, {}), (HANG, {"for_s": 5})):
        with pytest.raises(UsageError, match="runs no process") as refused:
            verb.plan(args(name, **more))
        assert "west-billing" in refused.value.hint


def test_a_pid_of_another_process_is_never_signalled(sandbox: RunningSandbox) -> None:
    """What wakes is written ahead: by then its pid may be somebody else's."""
    own = os.getpid()
    stale = args("west-billing", pid=own, start_ticks=1, mark="a1")
    assert WAKE.check(stale).answer is Answer.YES
    assert not waker.send((own, 1), signal.SIGKILL)


def test_outside_of_a_sandbox_no_process_is_touched(tmp_path: Path) -> None:
    for verb, more in ((KILL, {}), (HANG, {"for_s": 5})):
        with pytest.raises(UsageError, match="its processes are not declared"):
            verb.plan(written(tmp_path).args(process="west-billing", **more))


def test_a_hang_must_end(sandbox: RunningSandbox) -> None:
    with pytest.raises(UsageError, match="'for_s' is missing"):
        HANG.plan(args("west-billing"))


def test_a_sandbox_that_is_down_has_nobody_to_kill(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    with pytest.raises(SourceError, match="is not running"):
        KILL.plan(args("west-1"))
    assert UP.check(args("west-1")).answer is Answer.YES
    assert WAKE.check(args("west-1", pid=1, start_ticks=1, mark="a1")).answer is Answer.YES


# in the hands of others


@pytest.fixture
def ledger(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteLedger]:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    opened = open_ledger()
    yield opened
    for one in opened.after(0, kinds=(FactKind.INTENT,)):
        kill_marked("KEELWATCH_RUN", one.run)
    opened.close()


def test_a_guardian_wakes_what_a_killed_run_had_stopped(
    sandbox: RunningSandbox, ledger: SqliteLedger
) -> None:
    wish = args("west-billing", for_s=60)
    act: JsonObject = {"verb": "process.hang", "with": wish, "stay": True}
    run = spawn(ledger, TABLE.kind("chaos"), "act", act, "sandbox", ENTRY)
    until(lambda: HANG.check(wish).answer is Answer.YES)
    until(lambda: [one.verb for one in list_open(ledger) if one.run == run] == ["process.hang"])
    mark = read_mark(run_dir(run) / "process.json")
    assert mark is not None
    assert mark.send(signal.SIGKILL)

    until(lambda: HANG.check(wish).answer is Answer.NO, 5)
    until(lambda: not is_alive(run) and not has_guardian(run))
    assert view(ledger, run).state.open == ()
    assert control.status("tests").state == "ready"
