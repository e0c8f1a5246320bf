"""The fact of a search is read as it was written, and so is one of an earlier Keelwatch."""

from __future__ import annotations

import pytest

from keelwatch.ledger import Fact, FactKind, JsonObject
from keelwatch.safety.capacity import CAPACITY, Capacity, capacity_of

OLD: JsonObject = {
    "event": CAPACITY,
    "environment": "sandbox",
    "profile": "portal-baseline",
    "objective": "login-latency",
    "last_ok": 52.0,
    "first_breach": 56.0,
}


def fact(payload: JsonObject) -> Fact:
    return Fact(7, 1795718421.0, "one", FactKind.NOTE, "0:ada (claimed)", payload, "", "", "")


@pytest.mark.parametrize(("breach", "end"), [(56.0, None), (None, 56.0), (None, None)])
def test_both_ends_are_read_as_they_were_written(breach: float | None, end: float | None) -> None:
    written = Capacity("sandbox", "portal-baseline", "login-latency", 52.0, breach, 1795718421.0, end)
    assert capacity_of(fact({"event": CAPACITY, **written.payload()})) == written


def test_one_that_knows_nothing_of_what_cannot_be_pushed_is_read_too() -> None:
    read = capacity_of(fact(OLD))
    assert read == Capacity("sandbox", "portal-baseline", "login-latency", 52.0, 56.0, 1795718421.0)


def test_another_fact_is_no_capacity() -> None:
    assert capacity_of(fact({**OLD, "event": "planned"})) is None
