"""Every runbook of the library is rehearsed: with its run killed at boundaries of its journal, and worse."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.places import place
from console.rehearsal import SANDBOX, Case, Outcome, Stage, _to_its_end, cases, record, rehearse
from keelwatch.ledger import FactKind, open_ledger
from keelwatch.runs import Phase
from keelwatch.sandbox.lifecycle import mark_of
from keelwatch.sandbox.processes import marked
from keelwatch.workspace import ExitCode, SourceError, narrate
from keelwatch.workspace.find import built_in
from tests.runbooks.conftest import Shop
from tests.runs.conftest import until


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    (tmp_path / "state").mkdir(mode=0o700)
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path / "state"))
    store = open_ledger()
    yield Stage(place(built_in(), "sandbox"), "failover-region", "second", store)
    store.close()


def test_crash_points_are_spread_over_the_journal() -> None:
    assert [one.kill_after for one in cases(14, None)] == list(range(1, 15))
    assert [one.kill_after for one in cases(14, 3)] == [3, 8, 12]
    assert [one.kill_after for one in cases(14, 0)] == []
    assert [one.kill_after for one in cases(3, 9)] == [1, 2, 3]
    assert [one.fault for one in cases(2, 0, ["link.partition"])] == ["link.partition"]


def test_a_rehearsal_is_on_record(stage: Stage) -> None:
    outcomes = [Outcome(Case("one"), "", "well", 1.0), Outcome(Case("two"), "it hung", "", 2.0)]
    record(stage, outcomes, "abc")
    (fact,) = stage.store.after(0, run="", kinds=(FactKind.NOTE,))
    assert fact.body == {
        "event": "rehearsed",
        "runbook": "failover-region",
        "text_sha": "abc",
        "passes": 1,
        "of": 2,
        "flaws": ["two: it hung"],
    }


def settled(shop: Shop) -> str:
    """A run that has passed, after two boundaries of its journal."""
    shop.write("  - {id: cache, redis.promote: {region: $to}}\n")
    run = shop.start()
    until(lambda: shop.view(run).phase is Phase.ENDED, what="its end")
    verdict = shop.view(run).state.verdict
    assert verdict is not None
    assert verdict.exit_code is ExitCode.PASS
    return run


def test_a_kill_that_hits_nobody_is_a_flaw(stage: Stage, shop: Shop) -> None:
    """A run that had died by then was disturbed by something else than the case."""
    shop.write("  - {id: cache, redis.promote: {region: $to}}\n  - {id: look, human: Look.}\n")
    run = shop.start()
    shop.question(run)
    shop.kill(run)
    until(lambda: shop.view(run).phase is Phase.ORPHANED, what="an orphan")
    with pytest.raises(SourceError, match=f"run {run} had no process to kill at boundary 2"):
        _to_its_end(stage, run, Case("killed after boundary 2 of 2", kill_after=2))


def test_a_kill_that_comes_after_the_end_is_a_flaw(stage: Stage, shop: Shop) -> None:
    """Also when it hits the process of the run on its way out."""
    run = settled(shop)
    with pytest.raises(SourceError, match=f"run {run} had (ended when it was killed|no process to kill)"):
        _to_its_end(stage, run, Case("killed after boundary 2 of 2", kill_after=2))


def test_a_run_that_ends_before_its_boundary_is_a_flaw(stage: Stage, shop: Shop) -> None:
    run = settled(shop)
    with pytest.raises(SourceError, match=f"run {run} ended before boundary 9"):
        _to_its_end(stage, run, Case("killed after boundary 9 of 9", kill_after=9))


def test_a_run_that_is_killed_is_taken_up_again_and_comes_to_its_end(stage: Stage, shop: Shop) -> None:
    shop.write("  - {id: cache, redis.promote: {region: $to}}\n  - {id: look, human: Look.}\n")
    run = shop.start()
    shop.question(run)  # which nobody hears the answer to, once it is killed
    found = _to_its_end(stage, run, Case("killed after boundary 2 of 2", kill_after=2))
    assert found.phase is Phase.ENDED
    began = [
        fact.event
        for fact in shop.ledger.after(0, run=run, kinds=(FactKind.LEASE,))
        if fact.body.get("scope") == f"run/{run}"
    ]
    assert began.count("taken") == 2
    assert len(shop.effects) == 1


def tell(one: Outcome, total: int) -> None:
    narrate(f"{one.case.name} of {total}: {one.flaw or one.words}")


@pytest.mark.deep
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(
    ("runbook", "points"),
    [
        ("failover-region", None),
        ("promote-database", 2),
        ("drain-region", 2),
        ("rebuild-cache", 2),
        ("rejoin-region", 2),
    ],
)
def test_the_library_passes_at_every_crash_point(stage: Stage, runbook: str, points: int | None) -> None:
    stage = Stage(stage.where, runbook, stage.approver, stage.store)
    outcomes = rehearse(stage, points, tell)
    assert [f"{one.case.name}: {one.flaw}" for one in outcomes if one.flaw] == []
    assert len(outcomes) > (points or 10)
    assert marked(mark_of(SANDBOX)) == []
