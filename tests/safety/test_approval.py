"""Approvals: whose count, for which plan, and for how long."""

from __future__ import annotations

import itertools

import pytest

from keelwatch.ledger import Fact, FactKind, Json, JsonObject
from keelwatch.safety import Request, approve, login_of, require_approval, standing
from keelwatch.workspace import Refused
from keelwatch.workspace.find import built_in
from keelwatch.workspace.model import PolicySpec, Role
from keelwatch.workspace.workspace import load_workspace

NOW, TEN_MINUTES = 1_800_000_000.0, 600.0
ROLES = {"alice": Role.OPERATOR, "bob": Role.APPROVER, "carol": Role.OPERATOR, "guest": Role.VIEWER}
PROD = PolicySpec(roles=ROLES)
DRILL = PolicySpec(roles=ROLES, drill_approvals=True)
REQUEST = Request("sha-of-the-plan", starter="alice")
COUNT = itertools.count(1)


def given(login: str, **other: Json) -> Fact:
    """An approval as it stands in the ledger, also one that no honest program would have written."""
    body: JsonObject = {
        "event": "approved",
        "plan_sha": REQUEST.plan_sha,
        "step": "",
        "until": NOW + TEN_MINUTES,
        "as": "",
        **other,
    }
    return Fact(next(COUNT), NOW, "run", FactKind.APPROVAL, f"1000:{login} (claimed)", body, "", "", "")


@pytest.mark.parametrize("login", ["bob", "carol"])
def test_an_approver_or_another_operator_may(login: str) -> None:
    payload = approve(PROD, REQUEST, login, NOW, TEN_MINUTES)

    found = require_approval(PROD, REQUEST, [given(login, **payload)], NOW + 599)

    assert found.by == (login,)
    assert found.words == f"approved by {login}"


@pytest.mark.parametrize(
    ("policy", "login", "drill_as", "words"),
    [
        (PROD, "alice", "", "alice started it, and nobody approves their own"),
        (PROD, "guest", "", "guest is a viewer here and may not approve"),
        (PROD, "alice", "bob", "for practice, and this environment is not"),
        (PROD, "carol", "bob", "for practice, and this environment is not"),
        (DRILL, "alice", "alice", "nobody approves their own"),
        (DRILL, "bob", "alice", "nobody approves their own"),
        (DRILL, "alice", "guest", "guest is a viewer"),
        (DRILL, "alice", "bbo", "bbo is nobody that `policy.roles` names"),
        (DRILL, "alice", "", "nobody approves their own"),
    ],
)
def test_who_may_not_is_refused_and_does_not_count_where_it_is_written_anyhow(
    policy: PolicySpec, login: str, drill_as: str, words: str
) -> None:
    with pytest.raises(Refused, match=words):
        approve(policy, REQUEST, login, NOW, TEN_MINUTES, drill_as)

    found = standing(policy, REQUEST, [given(login, **{"as": drill_as})], NOW)
    assert not found.suffice
    assert words in found.words


def test_in_a_drill_one_person_stands_for_another_and_the_ledger_says_so() -> None:
    payload = approve(DRILL, REQUEST, "alice", NOW, TEN_MINUTES, "bob")
    fact = given("alice", **payload)

    assert standing(DRILL, REQUEST, [fact], NOW).by == ("bob",)
    assert (login_of(fact.actor), fact.body["as"]) == ("alice", "bob")


def test_the_sandbox_alone_is_for_practice() -> None:
    sandbox = load_workspace(built_in()).environment(None)[1].policy

    assert sandbox.drill_approvals
    assert not PolicySpec().drill_approvals
    assert approve(sandbox, REQUEST, "alice", NOW, TEN_MINUTES, "second")["as"] == "second"


@pytest.mark.parametrize(
    ("other", "now", "counts"),
    [
        ({}, NOW, True),
        ({}, NOW + 599.9, True),
        ({}, NOW + 600, False),
        ({"plan_sha": "another"}, NOW, False),
        ({"step": "promote"}, NOW, False),
        ({"event": "asked"}, NOW, False),
        ({"until": "for ever"}, NOW, False),
    ],
)
def test_an_approval_is_for_one_plan_and_for_a_time(
    other: dict[str, str | float], now: float, *, counts: bool
) -> None:
    assert standing(PROD, REQUEST, [given("bob", **other)], now).suffice is counts


def test_one_person_is_one_however_often_they_say_yes() -> None:
    two = Request(REQUEST.plan_sha, "alice", needed=2)

    found = standing(PROD, two, [given("bob"), given("bob")], NOW)
    assert (found.suffice, found.words) == (False, "approved by bob, 1 more needed")
    assert standing(PROD, two, [given("bob"), given("carol")], NOW).suffice
    assert not standing(DRILL, two, [given("bob"), given("alice", **{"as": "bob"})], NOW).suffice


def test_a_role_that_was_taken_away_takes_its_approvals_along() -> None:
    later = PolicySpec(roles={**ROLES, "bob": Role.VIEWER})

    assert not standing(later, REQUEST, [given("bob")], NOW).suffice


def test_a_new_yes_after_an_expired_one_counts() -> None:
    found = standing(PROD, REQUEST, [given("bob", until=NOW - 1), given("bob")], NOW)

    assert (found.by, found.refused) == (("bob",), ())


def test_other_facts_and_redacted_ones_approve_nothing() -> None:
    note = Fact(1, NOW, "run", FactKind.NOTE, "1000:bob (claimed)", given("bob").payload, "", "", "")
    redacted = Fact(2, NOW, "run", FactKind.APPROVAL, "1000:bob (claimed)", None, "", "", "")

    with pytest.raises(Refused, match="not approved: approved by nobody, 1 more needed"):
        require_approval(PROD, REQUEST, [note, redacted], NOW)
