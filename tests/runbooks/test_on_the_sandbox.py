"""`failover-region` on real PostgreSQL, Redis and HAProxy, by the commands an operator types."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.ledger import Access, FactKind, SqliteLedger, open_ledger, verify
from keelwatch.runs import Fate, Phase, load, runs, view
from keelwatch.runs.mark import read_mark
from keelwatch.workspace import run_dir
from keelwatch.workspace.find import built_in
from tests.runs.conftest import until
from tests.sandbox.failing_over import NAME, Estate, estate_of
from tests.sandbox.running import RunningSandbox

pytestmark = pytest.mark.deep

ROOT = Path(__file__).parents[2]
KEELWATCH = str(Path(sys.executable).with_name("keelwatch"))
DRILL = ("--env", "sandbox", "--arm", "--approve-as", "second")
LONG_S = 150.0
ENDS_WITHIN_S = 120.0  # readiness, approval and settling included


@pytest.fixture
def estate(sandbox: RunningSandbox, workspace: str) -> Iterator[Estate]:
    found = estate_of(sandbox)
    yield found
    with closing(open_ledger()) as store:  # one that a failed test left would keep all others from acting
        left = [one.state.id for one in runs(store) if one.state.verdict is None]
    for run in left:
        keelwatch(workspace, "runbook", "abort", run, "--reason", "the test is over")
    control.clear_faults(name=NAME)
    until(found.answers, 60, "both databases")
    if "east" in found.primaries():  # a west that came back is one too, until it has rejoined
        found.rejoin("west")
    found.restore()
    found.edge("set server portal/west-1 weight 100; set server portal/west-2 weight 100")
    found.edge("set server portal/east-1 weight 100; set server portal/east-2 weight 100")


@pytest.fixture
def workspace(sandbox: RunningSandbox, tmp_path: Path) -> str:
    """The built-in one, bound to the session's sandbox."""
    text = built_in().read_text().replace("sandbox: main", f"sandbox: {sandbox.name}")
    (tmp_path / "ws").mkdir()
    (tmp_path / "ws" / "keelwatch.yaml").write_text(text.replace("../../", f"{ROOT}/"))
    return str(tmp_path / "ws")


@pytest.fixture
def ledger(sandbox: RunningSandbox) -> Iterator[SqliteLedger]:
    store = open_ledger(access=Access.WRITE)
    yield store
    store.close()


def keelwatch(workspace: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KEELWATCH, "--workspace", workspace, *words],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=LONG_S,
        check=False,
    )


def detached(workspace: str, *words: str) -> str:
    done = keelwatch(workspace, "runbook", "run", "failover-region", *words, *DRILL, "--detach")
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()[-1]


def test_a_region_fails_over_though_its_run_is_killed_while_it_promotes_and_back(
    sandbox: RunningSandbox, estate: Estate, workspace: str, ledger: SqliteLedger
) -> None:
    began = time.time()
    run = detached(workspace, "--from", "west", "--to", "east")

    def promotes() -> bool:
        return any(
            fact.body.get("verb") == "pg.promote"
            for fact in ledger.after(0, run=run, kinds=(FactKind.INTENT,))
        )

    until(promotes, LONG_S, "the promotion")
    mark = read_mark(run_dir(run) / "process.json")
    assert mark is not None
    assert mark.send(signal.SIGKILL)
    until(lambda: view(ledger, run).phase is Phase.ORPHANED, 20, "an orphan")

    second = keelwatch(workspace, "runbook", "resume", run)
    assert second.returncode == 0, second.stdout + second.stderr
    assert "pass: RTO" in second.stdout
    assert "RPO 0.0 s (objective 0 s): no write lost" in second.stdout
    effects = load(ledger, run).effects
    assert [one.fate for one in effects if one.action.verb == "pg.promote"][-1] is Fate.DONE
    assert estate.primaries() == {"east"}
    assert estate.lost("east", began) == []

    started = time.time()
    back = keelwatch(workspace, "runbook", "run", "failover-region", "--from", "east", "--to", "west", *DRILL)
    assert back.returncode == 0, back.stdout + back.stderr
    assert time.time() - started < ENDS_WITHIN_S
    assert estate.primaries() == {"west"}
    assert estate.lost("west", began) == []
    assert verify(ledger).flaw is None


def test_whoever_comes_second_is_told_who_is_at_it(
    sandbox: RunningSandbox, estate: Estate, workspace: str, ledger: SqliteLedger
) -> None:
    done = keelwatch(workspace, "runbook", "run", "failover-region", "--env", "sandbox", "--arm", "--detach")
    first = done.stdout.splitlines()[-1]
    until(lambda: "waits" in keelwatch_waits(ledger, first), 60, "the wish for approval")
    second = keelwatch(workspace, "runbook", "run", "failover-region", *DRILL)
    assert second.returncode == 6
    assert f"with run {first} since" in second.stdout + second.stderr
    told = second.stdout + second.stderr
    assert f"take over: keelwatch attach {first}, or keelwatch stop {first} and then" in told
    aborted = keelwatch(workspace, "runbook", "abort", first, "--reason", "only a test")
    assert aborted.returncode == 7, aborted.stderr
    until(lambda: view(ledger, first).phase is Phase.ENDED, 30, "its end")
    verdict = load(ledger, first).verdict
    assert verdict is not None
    assert verdict.reason == "stopped: only a test; nothing had been done"


def keelwatch_waits(ledger: SqliteLedger, run: str) -> str:
    events = [fact.event for fact in ledger.after(0, run=run, kinds=(FactKind.NOTE,))]
    return "waits" if "approval-wanted" in events else ""


def position(lsn: object) -> int:
    high, low = str(lsn).split("/")
    return (int(high, 16) << 32) + int(low, 16)


def measured_of(ledger: SqliteLedger, run: str) -> dict[str, Any]:
    (found,) = [
        fact.body["measured"]
        for fact in ledger.after(0, run=run, kinds=(FactKind.NOTE,))
        if fact.event == "measured"
    ]
    assert isinstance(found, dict)
    return found


def test_a_killed_primary_loses_what_its_standby_had_not_received_and_no_more(
    sandbox: RunningSandbox, estate: Estate, workspace: str, ledger: SqliteLedger
) -> None:
    began = time.time()
    until(lambda: len(estate.beats(began)) > 20, 20, "some writes")
    control.set_fault("database.killed", "on", region="west", for_s=LONG_S, name=NAME)
    run = detached(workspace, "--from", "west", "--to", "east", "--ungraceful")
    until(lambda: load(ledger, run).question is not None, 60, "the question about the fence")
    question = load(ledger, run).question
    assert question is not None
    assert "freeze-writes: it does not answer" in question.text
    told = keelwatch(workspace, "attach", run, "--answer", "skip", "--note", "its machine is off")
    assert told.returncode == 8, told.stdout + told.stderr
    assert "LEFT: west does not answer: pg.rejoin before it takes writes again" in told.stdout
    promoted = [one.evidence for one in load(ledger, run).effects if one.action.verb == "pg.promote"][-1]
    assert promoted is not None
    received = position(promoted["received"])
    lost = set(estate.lost("east", began))
    acknowledged = [beat for beat in estate.beats(began) if beat.get("region") == "west"]
    assert all(position(beat["lsn"]) > received for beat in acknowledged if beat["n"] in lost)
    assert numbers(measured_of(ledger, run)) == lost
    assert measured_of(ledger, run)["lost_writes"] == len(measured_of(ledger, run)["lost"])
    assert estate.sql("east", "select not pg_is_in_recovery()") is True


def numbers(measured: dict[str, Any]) -> set[int]:
    return {one["n"] for one in measured["lost"]}


def test_regions_cut_off_from_each_other_end_with_one_primary_and_the_loss_is_counted(
    sandbox: RunningSandbox, estate: Estate, workspace: str, ledger: SqliteLedger
) -> None:
    began = time.time()
    control.set_fault("link.partition", "on", region="all", for_s=LONG_S, name=NAME)
    until(lambda: sum(beat.get("region") == "west" for beat in estate.beats(began)) > 10, 20, "lost writes")
    run = detached(workspace, "--from", "west", "--to", "east", "--ungraceful")
    ended = keelwatch(workspace, "attach", run)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    measured = measured_of(ledger, run)
    assert measured["lost_writes"] >= 10
    assert measured["rpo_met"] is False
    assert numbers(measured) <= set(estate.lost("east", began))
    assert estate.writable() == {"east"}

    control.clear_faults(name=NAME)
    words = ("--region", "west", "--input", "other=east", *DRILL)
    home = keelwatch(workspace, "runbook", "run", "rejoin-region", *words)
    assert home.returncode == 0, home.stdout + home.stderr
    assert estate.sql("west", "select pg_is_in_recovery()") is True
    assert estate.writable() == {"east"}


def test_a_plan_tells_each_effect_and_changes_when_the_world_does(
    sandbox: RunningSandbox, estate: Estate, workspace: str
) -> None:
    words = ("runbook", "plan", "failover-region", "--env", "sandbox", "--json")
    first = json.loads(keelwatch(workspace, *words).stdout)
    again = json.loads(keelwatch(workspace, *words).stdout)
    estate.edge("set server portal/west-1 weight 7")
    other = json.loads(keelwatch(workspace, *words).stdout)
    assert first["schema"] == "keelwatch/runbook-plan/1"
    assert first["plan"] == again["plan"] != other["plan"]
    promote = next(step for step in first["steps"] if step["step"] == "promote-database")
    assert "a promote now loses nothing" in promote["effects"][0]
    assert promote["way_back"] == "none: the point of no return"
    refused = keelwatch(workspace, "runbook", "run", "failover-region", *DRILL, "--plan", first["plan"])
    assert refused.returncode == 6
    assert f"the plan is {other['plan']} now" in refused.stderr


def test_lint_asks_the_living_environment(
    sandbox: RunningSandbox, estate: Estate, workspace: str, tmp_path: Path
) -> None:
    assert keelwatch(workspace, "runbook", "lint", "--env", "sandbox").returncode == 0
    control.set_fault("database.killed", "on", region="east", for_s=60, name=NAME)
    found = keelwatch(workspace, "runbook", "lint", "--env", "sandbox")
    assert found.returncode == 3
    lines = [line for line in found.stdout.splitlines() if "not-there" in line]
    assert any("failover-region.yaml" in line and "east" in line for line in lines)
