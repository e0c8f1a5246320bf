"""Budget is set aside before it is spent, never twice, and never unseen."""

from __future__ import annotations

import pytest

from console.view.limits import budget_lines, budget_sentences
from keelwatch.ledger import Fact, FactKind, JsonObject
from keelwatch.runs import StreamLine
from keelwatch.safety.budget import Reservation, reservations, reserve, settle
from keelwatch.safety.spending import spent_said, with_spent
from keelwatch.workspace import Refused
from keelwatch.workspace.reading import Unknown, Value

KEY = ("login-availability", "west")
LEFT = Value(0.30, 0.0)


def fact(seq: int, run: str, payload: JsonObject) -> Fact:
    return Fact(seq, float(seq), run, FactKind.NOTE, "0:ada (claimed)", payload, "", "", "")


def test_what_fits_is_set_aside_and_read_back() -> None:
    payload = reserve("one", KEY, 0.30, LEFT, [])
    assert reservations([fact(1, "one", payload)]) == (Reservation("one", *KEY, 0.30),)


def test_two_runs_never_set_the_same_budget_aside() -> None:
    first = Reservation("one", *KEY, 0.20)
    with pytest.raises(Refused) as refused:
        reserve("two", KEY, 0.15, LEFT, [first])
    assert refused.value.message == (
        "15.0% of the budget of login-availability (west) is asked for, and 30.0% is left, "
        "20.0% of it set aside by one"
    )
    reserve("two", KEY, 0.10, LEFT, [first])
    reserve("two", ("login-availability", "east"), 0.30, LEFT, [first])


def test_what_is_settled_is_free_again() -> None:
    first = Reservation("one", *KEY, 0.20, spent=0.05)
    reserve("two", KEY, 0.25, Value(0.25, 0.0), [first])


@pytest.mark.parametrize("left", [Unknown("stale", 0.0), Value(0.0, 0.0), Value(-0.4, 0.0)])
def test_without_budget_or_without_knowing_nothing_is_set_aside(left: Value | Unknown) -> None:
    with pytest.raises(Refused):
        reserve("one", KEY, 0.01, left, [])


@pytest.mark.parametrize(
    ("before", "after", "spent"),
    [
        (Value(0.30, 0.0), Value(0.25, 9.0), 0.05),
        (Value(0.30, 0.0), Value(0.31, 9.0), 0.0),
        (Value(0.30, 0.0), Unknown("no source", 9.0), 0.20),
        (Unknown("no source", 0.0), Value(0.25, 9.0), 0.20),
    ],
)
def test_what_was_spent_is_what_is_less_and_all_of_it_when_nobody_can_tell(
    before: Value | Unknown, after: Value | Unknown, spent: float
) -> None:
    reservation = Reservation("one", *KEY, 0.20)
    payload = settle(reservation, before, after)
    (found,) = reservations([fact(1, "one", reserve("one", KEY, 0.20, LEFT, [])), fact(2, "one", payload)])
    assert found.spent == pytest.approx(spent)


def test_a_run_that_died_has_spent_all_it_set_aside() -> None:
    dead, settled = Reservation("one", *KEY, 0.20, so_far=0.01), Reservation("one", "lookup", None, 0.1, 0.02)
    lost, other = budget_sentences([dead, settled], is_over=True)
    assert lost.endswith("20.00% set aside, 20.00% spent: the run died, so all it set aside counts as spent")
    assert other == "budget of lookup: 10.00% set aside, 2.00% spent"
    assert "0.01" not in str(budget_lines([dead], is_over=True))
    assert "the run died" in str(budget_lines([dead], is_over=True))
    assert "1.00% spent so far" in str(list(budget_sentences([dead], is_over=False)))


def test_what_is_spent_so_far_belongs_to_its_objective_and_region() -> None:
    east, west = Reservation("one", "login", "east", 0.02), Reservation("one", "login", "west", 0.02)
    told: JsonObject = {"spent": [{"objective": "login", "region": "west", "spent": 0.01}]}
    spent = spent_said(StreamLine(0.0, {"sample": told}))
    assert spent is not None
    assert [one.so_far for one in with_spent([east, west], spent)] == [None, 0.01]
    assert spent_said(StreamLine(0.0, {"say": "hello"})) is None
