"""Two operators never act on one scope, and the one who comes late is fenced."""

from __future__ import annotations

import threading

import pytest

from keelwatch.ledger import FactKind, Fence, open_ledger
from keelwatch.runs import Phase, list_open, stop, view
from keelwatch.runs.lease import take_lease
from keelwatch.runs.spec import run_scope
from keelwatch.workspace import ExitCode, Fenced, Refused, boot_id, run_dir
from tests.runs.conftest import Stage, until
from tests.toys.world import effects, value


def test_of_two_operators_racing_exactly_one_wins_each_time(stage: Stage) -> None:
    for _ in range(10):
        won, refused = list[int](), list[str]()
        gate = threading.Barrier(3)

        def grab(name: str, won: list[int], refused: list[str], gate: threading.Barrier) -> None:
            store = open_ledger()
            gate.wait()
            try:
                lease = take_lease(store, "west", "", name)
            except Refused as error:
                refused.append(error.message)
                gate.wait()
            else:
                won.append(lease.fence.epoch)
                gate.wait()
                lease.lock.release()
            store.close()

        people = [threading.Thread(target=grab, args=(name, won, refused, gate)) for name in ("ada", "bob")]
        for person in people:
            person.start()
        gate.wait()
        gate.wait()
        for person in people:
            person.join()
        assert (len(won), len(refused)) == (1, 1)
    assert [fact.body["epoch"] for fact in stage.ledger.after(0)] == list(range(1, 11))


def test_the_second_operator_is_told_who_since_when_and_how_to_take_over(stage: Stage) -> None:
    first = stage.spawn("chaos", hold_s=60.0, scope="region-pair")
    stage.until_value("cache", "lost")
    second = stage.spawn("chaos", hold_s=0.0, scope="region-pair")
    state = stage.until_over(second)
    assert state.verdict is not None
    assert state.verdict.exit_code is ExitCode.REFUSED
    assert f"held by {stage.load(first).actor} with run {first} since 20" in state.verdict.reason
    assert effects(stage.world) == ["toy.set billing down", "toy.slow cache lost"]
    stop(first)
    stage.until_over(first)
    third = stage.spawn("chaos", hold_s=0.0, scope="region-pair")
    assert str(stage.until_over(third).verdict).startswith("pass")


def test_a_lease_says_when_on_a_clock_that_does_not_jump(stage: Stage) -> None:
    lease = take_lease(stage.ledger, "west", "", "ada")
    (fact,) = stage.ledger.after(0, kinds=(FactKind.LEASE,))
    assert fact.body["boot"] == boot_id()
    assert isinstance(fact.body["boot_s"], float)
    lease.lock.release()


def test_the_lease_of_a_dead_run_is_free_at_once_when_it_owes_nothing(stage: Stage) -> None:
    first = stage.spawn("runbook", hold_s=60.0)
    stage.until_value("west", "drained")
    stage.kill(first)
    until(lambda: view(stage.ledger, first).pid is None, what="its end")
    lease = take_lease(stage.ledger, "region-pair", "", "bob")
    assert lease.fence.epoch == 2
    lease.lock.release()


def test_a_scope_where_undos_are_owed_is_not_given_away(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=60.0, scope="west")
    until(lambda: len(stage.facts(run, FactKind.RESULT)) == 2)
    (stage.world / "broken").touch()
    stop(run)
    stage.until_over(run)
    with pytest.raises(Refused, match="its undo is not verified") as caught:
        take_lease(stage.ledger, "west", "", "bob")
    assert "keelwatch heal" in caught.value.hint
    (stage.world / "broken").unlink()


def test_an_operator_who_comes_back_late_is_fenced_and_acts_no_more(stage: Stage) -> None:
    run = stage.spawn("late")
    until(lambda: len(stage.facts(run, FactKind.RESULT)) == 1, what="its first effect")
    stage.ledger.raise_epoch(run_scope(run), run, {"event": "taken over"}, actor="bob")
    (stage.world / "go").touch()
    stage.until_over(run)
    assert value(stage.world, "late") == ""
    assert "has passed on: epoch" in (run_dir(run) / "log").read_text()


def test_a_late_write_after_the_guardian_took_over_is_fenced(stage: Stage) -> None:
    run = stage.spawn("chaos", hold_s=60.0)
    until(lambda: len(stage.facts(run, FactKind.RESULT)) == 2)
    old = Fence(run_scope(run), stage.load(run).epoch)
    stage.kill(run)
    stage.until_over(run)
    with pytest.raises(Fenced):
        stage.ledger.append(run, FactKind.RESULT, {}, actor="ghost", fences=[old])
    assert view(stage.ledger, run).phase is Phase.ENDED
    assert list_open(stage.ledger) == ()
