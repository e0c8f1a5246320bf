"""`fault.set` and `fault.clear` on the sandbox: predicted, done, checked, taken back by whoever is left."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.adapters.faults import VERBS
from keelwatch.ledger import FactKind, JsonObject, SqliteLedger, open_ledger
from keelwatch.runs import heal, list_open, spawn, view
from keelwatch.runs.fields import text
from keelwatch.runs.mark import kill_marked, read_mark
from keelwatch.runs.state import has_guardian, is_alive
from keelwatch.runs.verb import Attempt
from keelwatch.sandbox.layout import load
from keelwatch.sandbox.servers.postgres import superuser
from keelwatch.workspace import Answer, Refused, SourceError, UnknownResult, UsageError, run_dir
from keelwatch.workspace.find import built_in
from tests.adapters.acting import ENTRY, TABLE
from tests.adapters.estate import written
from tests.sandbox.running import RunningSandbox
from tests.sandbox.waiting import until

ROOT = Path(__file__).parents[2]
SET, CLEAR = VERBS["fault.set"], VERBS["fault.clear"]


def args(**more: object) -> JsonObject:
    return {"workspace": str(built_in()), "environment": "sandbox", "sandbox": "tests", **more}  # type: ignore[dict-item]


def errors(**more: object) -> JsonObject:
    return args(**{"fault": "billing.errors", "value": "100%", "region": "west", "for_s": 60, **more})


def attempt(before: JsonObject) -> Attempt:
    return Attempt("run/step/key", 1, 1, before)


def invoices(client: httpx.Client) -> int:
    return client.get("/v1/invoices").status_code


def restarts(name: str) -> int:
    return next(one.restarts for one in control.status("tests").servers if one.name == name)


# predicted, done, checked, taken back


def test_a_fault_is_predicted_set_checked_and_taken_back(sandbox: RunningSandbox) -> None:
    wish = errors()
    with sandbox.customer(edge="west-edge") as client:
        predicted = SET.plan(wish)
        assert predicted.target == "sandbox/fault/billing.errors@west"
        assert predicted.summary == "sets billing.errors 100% in west of sandbox tests for 60 s"
        assert SET.check(wish).answer is Answer.NO

        SET.do(wish, attempt(predicted.before))
        assert (SET.check(wish).answer, invoices(client)) == (Answer.YES, 503)
        assert SET.check(errors(value="50%")).answer is Answer.NO

        back = SET.undo(wish, predicted.before)
        assert back is not None
        assert back.verb == "fault.clear"
        assert CLEAR.check(back.args).answer is Answer.NO
        CLEAR.do(back.args, attempt({}))
        assert CLEAR.check(back.args).answer is Answer.YES
        until(lambda: invoices(client) == 200)


@pytest.mark.parametrize(
    ("more", "words"),
    [
        ({"fault": "billin.errors"}, "no component 'billin'"),
        ({"fault": "billing.enumeration", "value": "on"}, "has no fault 'enumeration'"),
        ({"value": "much"}, "not a share"),
        ({"region": "north"}, "no region 'north'"),
        ({"fault": "database.paused", "value": "on"}, "no standby answers in west"),
        ({"for_s": 0}, "above 0"),
        ({"for_s": "60"}, "must be a number"),
        ({"strange": 1}, "unknown argument"),
    ],
)
def test_what_the_sandbox_refuses_is_refused_in_the_plan(
    sandbox: RunningSandbox, more: dict[str, object], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        SET.plan(errors(**more))
    assert control.faults("tests") == ()


def test_no_fault_without_an_end(sandbox: RunningSandbox) -> None:
    endless = {key: value for key, value in errors().items() if key != "for_s"}
    with pytest.raises(UsageError, match="'for_s' is missing"):
        SET.plan(endless)


def test_a_fault_that_is_set_already_is_nobody_s_to_set(sandbox: RunningSandbox) -> None:
    mark = SET.plan(errors()).before
    control.set_fault("billing.errors", "30%", region="west", for_s=60, name="tests")
    with pytest.raises(Refused, match="is set already, for another"):
        SET.plan(errors())
    with pytest.raises(UsageError, match="is set already"):
        SET.do(errors(), attempt(mark))
    assert [one.amount for one in control.faults("tests")] == [0.3]


def test_what_another_has_set_since_is_left_alone(sandbox: RunningSandbox) -> None:
    before = SET.plan(errors()).before
    SET.do(errors(), attempt(before))
    control.set_fault("billing.errors", "30%", region="west", for_s=60, name="tests")
    back = SET.undo(errors(), before)
    assert back is not None
    found = CLEAR.check(back.args)
    assert (found.answer, "another's" in found.evidence) == (Answer.YES, True)
    CLEAR.do(back.args, attempt({}))
    assert len(control.faults("tests")) == 1


def test_a_fault_that_ended_by_itself_is_gone(sandbox: RunningSandbox) -> None:
    before = SET.plan(errors(for_s=0.5)).before
    SET.do(errors(for_s=0.5), attempt(before))
    back = SET.undo(errors(for_s=0.5), before)
    assert back is not None
    until(lambda: CLEAR.check(back.args).answer is Answer.YES, 5)
    assert SET.check(errors(for_s=0.5)).answer is Answer.NO


def test_what_was_stopped_is_back_before_its_undo_counts(sandbox: RunningSandbox) -> None:
    wish = args(fault="cache.down", value="on", region="east", for_s=60)
    predicted = SET.plan(wish)
    assert predicted.summary.endswith("it stops redis-east")
    SET.do(wish, attempt(predicted.before))
    back = SET.undo(wish, predicted.before)
    assert back is not None
    control.clear_faults("cache.down", name="tests")
    CLEAR.do(back.args, attempt({}))
    assert CLEAR.check(back.args).answer is Answer.YES
    server = next(one for one in control.status("tests").servers if one.name == "redis-east")
    assert server.state == "ready"


def test_a_crash_happens_once_for_its_holder_and_is_seen(sandbox: RunningSandbox) -> None:
    wish = args(fault="billing.crash", value="on", region="west", for_s=60)
    count = restarts("west-billing")
    assert SET.check(wish).answer is Answer.NO
    before = SET.plan(wish).before
    SET.do(wish, attempt(before))
    assert SET.check(wish).answer is Answer.YES
    SET.do(wish, attempt(before))
    assert restarts("west-billing") == count + 1
    with pytest.raises(Refused, match="is set already"):
        SET.plan(wish)
    back = SET.undo(wish, before)
    assert back is not None
    CLEAR.do(back.args, attempt({}))
    assert CLEAR.check(back.args).answer is Answer.YES
    assert SET.plan(wish).before != before


def test_a_reload_is_seen_too(sandbox: RunningSandbox) -> None:
    wish = args(fault="edge.reload", value="on", for_s=60)
    SET.do(wish, attempt(SET.plan(wish).before))
    assert SET.check(wish).answer is Answer.YES


def test_a_paused_replica_replays_again_before_its_undo_counts(sandbox: RunningSandbox) -> None:
    wish = args(fault="database.paused", value="on", region="east", for_s=60)
    before = SET.plan(wish).before
    SET.do(wish, attempt(before))
    back = SET.undo(wish, before)
    assert back is not None
    with psycopg.connect(superuser(load(sandbox.folder), "east"), autocommit=True) as standby:
        asked = "select pg_is_wal_replay_paused()"
        assert standby.execute(asked).fetchone() == (True,)
        CLEAR.do(back.args, attempt({}))
        assert standby.execute(asked).fetchone() == (False,)
        assert CLEAR.check(back.args).answer is Answer.YES
        standby.execute("select pg_wal_replay_pause()")
        found = CLEAR.check(back.args)
        standby.execute("select pg_wal_replay_resume()")
    assert (found.answer, "postgres-east replays nothing" in found.evidence) == (Answer.NO, True)


def test_what_does_not_run_cannot_crash(sandbox: RunningSandbox) -> None:
    control.set_fault("billing.down", "on", region="west", for_s=60, name="tests")
    wish = args(fault="billing.crash", value="on", region="west", for_s=60)
    with pytest.raises(UsageError, match="nothing can crash"):
        SET.do(wish, attempt(SET.plan(wish).before))
    assert SET.check(wish).answer is Answer.NO


def test_a_request_that_is_read_too_late_breaks_nothing(sandbox: RunningSandbox) -> None:
    """Whoever sent it has looked meanwhile, and found nothing."""
    supervisor = sandbox.pid("supervisor")
    os.kill(supervisor, signal.SIGSTOP)
    try:
        with pytest.raises(UnknownResult, match="may be set"):
            control.set_fault("billing.errors", "100%", for_s=60, holder="m", name="tests", within_s=0.3)
    finally:
        os.kill(supervisor, signal.SIGCONT)
    until(lambda: control.status("tests").state == "ready")
    assert control.faults("tests") == ()


def test_access_is_a_control_socket_that_answers(sandbox: RunningSandbox) -> None:
    assert SET.access(errors()) == ("the control socket of sandbox tests",)


def test_a_sandbox_that_is_down_has_no_faults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    with pytest.raises(SourceError, match="is not running"):
        SET.plan(errors())
    assert SET.check(errors()).answer is Answer.UNKNOWN
    assert CLEAR.check(args(fault="billing.errors", mark="m")).answer is Answer.YES


def test_nothing_breaks_on_request_outside_of_a_sandbox(tmp_path: Path) -> None:
    outside = written(tmp_path).args(fault="billing.errors", value="100%", for_s=5)
    with pytest.raises(UsageError, match="here is no sandbox"):
        SET.plan(outside)


# in the hands of others


@pytest.fixture
def ledger(sandbox: RunningSandbox, monkeypatch: pytest.MonkeyPatch) -> Iterator[SqliteLedger]:
    """Of the state in which the sandbox runs."""
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    opened = open_ledger()
    yield opened
    for one in opened.after(0, kinds=(FactKind.INTENT,)):
        kill_marked("KEELWATCH_RUN", one.run)
    opened.close()


def started(ledger: SqliteLedger, wish: JsonObject) -> str:
    kind = TABLE.kind("chaos")
    act: JsonObject = {"verb": "fault.set", "with": wish, "stay": True}
    return spawn(ledger, kind, "act", act, "sandbox", ENTRY)


def kill(run: str, who: str, number: signal.Signals = signal.SIGKILL) -> None:
    mark = read_mark(run_dir(run) / f"{who}.json")
    assert mark is not None
    assert mark.send(number)


def is_over(run: str) -> bool:
    return not is_alive(run) and not has_guardian(run)


def is_done(ledger: SqliteLedger, run: str) -> bool:
    return any(
        text(one.body, "outcome") == "done" for one in ledger.after(0, run=run, kinds=(FactKind.RESULT,))
    )


def test_a_killed_run_s_fault_is_healed_and_verified_by_its_guardian(
    sandbox: RunningSandbox, ledger: SqliteLedger
) -> None:
    run = started(ledger, errors())
    until(lambda: is_done(ledger, run))
    assert [(one.run, one.verb) for one in list_open(ledger)] == [(run, "fault.set")]

    began = time.monotonic()
    kill(run, "process")
    until(lambda: control.faults("tests") == (), 5)
    assert time.monotonic() - began < 2

    until(lambda: is_over(run))
    assert view(ledger, run).state.open == ()


def test_heal_closes_what_a_dead_guardian_left(sandbox: RunningSandbox, ledger: SqliteLedger) -> None:
    control.set_fault("cache.latency", "5ms", for_s=60, name="tests")
    run = started(ledger, errors())
    until(lambda: is_done(ledger, run))
    kill(run, "process", signal.SIGSTOP)  # it must not start another guardian
    kill(run, "guardian")
    kill(run, "process")
    until(lambda: is_over(run))
    assert len(control.faults("tests")) == 2

    report = heal(ledger, TABLE)

    assert [one.verb for one in report.healed] == ["fault.set"]
    assert [one.target for one in control.faults("tests")] == ["cache.latency"], "set by no run, so no undo"
