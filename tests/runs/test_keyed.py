"""What a target knows by its key is sent again when nobody can tell, and happens once."""

from __future__ import annotations

import json

import pytest

from keelwatch.ledger import FactKind, verify
from keelwatch.runs import Phase, list_open, resume, view
from keelwatch.runs.fields import text
from tests.runs.conftest import Stage, until
from tests.toys.world import effects

ORDERED = "toy.order goods ordered"
CANCELLED = "toy.order goods cancelled"


def crash(stage: Stage, point: str) -> None:
    order = {"point": point, "runs": str(stage.state / "runs"), "signal": "SIGKILL", "victims": ["run"]}
    (stage.world / "crash.json").write_text(json.dumps(order))


def results(stage: Stage, run: str) -> list[tuple[str, str]]:
    """Outcome and who says so, of each that was recorded."""
    return [(text(fact.body, "outcome"), text(fact.body, "by")) for fact in stage.facts(run, FactKind.RESULT)]


def keys(stage: Stage, run: str) -> set[str]:
    """Of all attempts; an undo's intent has none of its own."""
    return {text(fact.body, "key") for fact in stage.facts(run, FactKind.INTENT)} - {""}


@pytest.mark.parametrize("point", ["ordered:before", "ordered:after"])
def test_a_run_killed_while_it_sends_sends_again_with_its_key_and_asks_nobody(
    stage: Stage, point: str
) -> None:
    crash(stage, point)
    run = stage.spawn("order", hold_s=0.0)
    until(lambda: view(stage.ledger, run).phase is Phase.ORPHANED, what="an orphan")

    resume(stage.ledger, run)

    assert str(stage.until_over(run).verdict) == "pass: ordered"
    assert effects(stage.world) == [ORDERED]
    assert results(stage, run) == [("not-done", "key"), ("done", "do")]
    assert len(keys(stage, run)) == 1
    assert verify(stage.ledger).flaw is None


def test_a_lost_answer_is_asked_for_again_with_the_key(stage: Stage) -> None:
    (stage.world / "mute").write_text("1")
    run = stage.spawn("order", hold_s=0.0)
    assert str(stage.until_over(run).verdict) == "pass: ordered"
    assert effects(stage.world) == [ORDERED]
    assert results(stage, run) == [("not-done", "key"), ("done", "do")]


def test_what_a_target_confirms_by_key_counts_as_taken_back_once(stage: Stage) -> None:
    """Two attempts were made, and one undo is owed."""
    (stage.world / "mute").write_text("1")
    run = stage.spawn("trial-order", hold_s=0.0)
    stage.until_over(run)
    assert effects(stage.world) == [ORDERED, CANCELLED]
    assert list_open(stage.ledger) == ()


def test_what_never_answers_stays_in_doubt_and_owes_its_undo(stage: Stage) -> None:
    (stage.world / "mute").write_text("3")
    run = stage.spawn("trial-order", hold_s=0.0)
    found = stage.until_over(run).verdict
    assert found is not None
    assert "order: not known to be done after 3 attempts" in found.reason
    assert effects(stage.world) == [ORDERED, CANCELLED]
    assert results(stage, run)[:1] == [("undone", "")]
    assert len(keys(stage, run)) == 1
    assert list_open(stage.ledger) == ()
