"""Who may do what. On one host the login name is only claimed: roles prevent accidents, not malice."""

from __future__ import annotations

from keelwatch.workspace.errors import Refused
from keelwatch.workspace.model import PolicySpec, Role

EVERYBODY = "*"


def role_of(policy: PolicySpec, login: str) -> Role:
    """The role of `login`: its own entry, else that of `*`, else operator."""
    return policy.roles.get(login, policy.roles.get(EVERYBODY, Role.OPERATOR))


def require_operator(policy: PolicySpec, login: str, deed: str) -> None:
    """Raises `Refused` unless `login` may act. `deed` names what was asked for."""
    role = role_of(policy, login)
    if role is not Role.OPERATOR:
        raise Refused(
            f"{deed} needs an operator; {login} is a {role.value} here",
            "ask an operator, or change `policy.roles` in keelwatch.yaml",
        )
