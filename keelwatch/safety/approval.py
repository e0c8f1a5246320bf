"""Approvals: another person's yes to one plan, for a time.

An approval is bound to the hash of the plan it was given for: another plan needs another one. It is never
one's own, also not under another name, unless the environment is for practice and says so; the ledger then
tells who really did it. Pure over facts of kind `approval`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from keelwatch.ledger import Fact, FactKind, JsonObject
from keelwatch.runs.fields import number, text
from keelwatch.safety.roles import role_of
from keelwatch.workspace.clock import utc
from keelwatch.workspace.errors import Refused
from keelwatch.workspace.model import PolicySpec, Role

MAY_APPROVE = frozenset({Role.APPROVER, Role.OPERATOR})
GIVEN = "approved"


@dataclass(frozen=True, slots=True)
class Request:
    """What is to be approved: the plan `plan_sha` for the `step` (empty: the whole) of a run that the login
    `starter` started. `needed` people must say yes."""

    plan_sha: str
    starter: str
    step: str = ""
    needed: int = 1


@dataclass(frozen=True, slots=True)
class Approvals:
    """`by` counts; `refused` are the approvals that do not, each with the reason."""

    by: tuple[str, ...]
    refused: tuple[str, ...]
    needed: int

    @property
    def suffice(self) -> bool:
        return len(self.by) >= self.needed

    @property
    def words(self) -> str:
        given = f"approved by {', '.join(self.by)}" if self.by else "approved by nobody"
        missing = "" if self.suffice else f", {self.needed - len(self.by)} more needed"
        ignored = f" ({'; '.join(self.refused)})" if self.refused else ""
        return given + missing + ignored


def login_of(actor: str) -> str:
    """The login name in an actor of the ledger, `uid:login (claimed)`."""
    return actor.partition(":")[2].partition(" ")[0] or actor


def approve(
    policy: PolicySpec, request: Request, login: str, now: float, within_s: float, drill_as: str = ""
) -> JsonObject:
    """The payload of an approval by `login`, good for `within_s`; `drill_as` names another, for practice.

    Raises `Refused` when it would not count.
    """
    payload: JsonObject = {
        "event": GIVEN,
        "plan_sha": request.plan_sha,
        "step": request.step,
        "until": now + within_s,
        "as": drill_as,
    }
    reason = _flaw(policy, request, login, drill_as)
    if reason:
        raise Refused(reason, _hint(policy, drill_as))
    return payload


def standing(policy: PolicySpec, request: Request, facts: Iterable[Fact], now: float) -> Approvals:
    """Which approvals of `request` count at `now`, each person once.

    The policy is that of now: who lost the role since has not approved.
    """
    by: dict[str, None] = {}
    refused: dict[str, str] = {}
    for fact in facts:
        if fact.kind is not FactKind.APPROVAL or fact.event != GIVEN or _step(fact) != request.step:
            continue
        login, drill_as = login_of(fact.actor), text(fact.body, "as")
        person = drill_as or login
        reason = _stale(request, fact, now) or _flaw(policy, request, login, drill_as)
        if reason:
            refused[person] = reason
        else:
            by[person] = None
    ignored = tuple(f"{person}: {reason}" for person, reason in refused.items() if person not in by)
    return Approvals(tuple(by), ignored, request.needed)


def require_approval(policy: PolicySpec, request: Request, facts: Iterable[Fact], now: float) -> Approvals:
    """Raises `Refused` unless enough people have said yes to this very plan."""
    found = standing(policy, request, facts, now)
    if not found.suffice:
        raise Refused(f"not approved: {found.words}", "another person says yes to this very plan, in time")
    return found


def _step(fact: Fact) -> str:
    return text(fact.body, "step")


def _stale(request: Request, fact: Fact, now: float) -> str:
    until = number(fact.body, "until")
    if text(fact.body, "plan_sha") != request.plan_sha:
        return "that was for another plan"
    return f"that expired at {utc(until)}" if now >= until else ""


def _flaw(policy: PolicySpec, request: Request, login: str, drill_as: str) -> str:
    """Why this person's yes does not count, or an empty text."""
    if drill_as and not policy.drill_approvals:
        return "approving in another's name is for practice, and this environment is not"
    if drill_as and drill_as not in policy.roles:
        return f"{drill_as} is nobody that `policy.roles` names"
    person = drill_as or login
    if person == request.starter:
        return f"{person} started it, and nobody approves their own"
    role = role_of(policy, person)
    if role not in MAY_APPROVE:
        return f"{person} is a {role.value} here and may not approve"
    return ""


def _hint(policy: PolicySpec, drill_as: str) -> str:
    if drill_as and not policy.drill_approvals:
        return "let another person approve, from their own login"
    approvers = sorted(name for name, role in policy.roles.items() if role in MAY_APPROVE and name != "*")
    return f"ask one of: {', '.join(approvers)}" if approvers else "ask another operator or approver"
