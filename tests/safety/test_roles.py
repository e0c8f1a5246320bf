"""Roles as the policy of an environment gives them."""

from __future__ import annotations

import pytest

from keelwatch.safety import require_operator, role_of
from keelwatch.workspace import ExitCode, Refused
from keelwatch.workspace.find import built_in
from keelwatch.workspace.model import PolicySpec, Role
from keelwatch.workspace.workspace import load_workspace

SANDBOX = load_workspace(built_in()).environment(None)[1].policy


@pytest.mark.parametrize(
    ("login", "role"),
    [("sre", Role.OPERATOR), ("second", Role.APPROVER), ("guest", Role.VIEWER), ("anybody", Role.OPERATOR)],
)
def test_in_the_sandbox_any_login_is_an_operator_but_three_named_ones(login: str, role: Role) -> None:
    assert role_of(SANDBOX, login) is role


def test_without_a_policy_everybody_is_an_operator() -> None:
    assert role_of(PolicySpec(), "anybody") is Role.OPERATOR


@pytest.mark.parametrize("login", ["guest", "second"])
def test_who_is_no_operator_is_refused_and_told_why(login: str) -> None:
    with pytest.raises(Refused, match=f"{login} is a") as caught:
        require_operator(SANDBOX, login, "breaking billing")

    assert caught.value.exit_code is ExitCode.REFUSED
