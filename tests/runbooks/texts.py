"""Runbooks that are carried out in tests, what carrying one out leaves, and a second person's yes."""

from __future__ import annotations

import time

from keelwatch.ledger import FactKind, current_actor
from keelwatch.safety import Request, approve, login_of
from keelwatch.workspace.model import PolicySpec, Role
from runbooks.conduct.progress import StepState
from tests.runbooks.conftest import Shop
from tests.runs.conftest import until

FAILOVER = """\
  - id: freeze
    pg.fence: {region: $from}
    undo: previous
  - id: promote
    pg.promote: {region: $to}
    undo: none
  - id: shift
    edge.weight: {to: $to, away_from: $from, ramp: [50, 100]}
"""
DRAIN = """\
  - id: drain
    edge.drain: {region: $from}
    undo: previous
  - id: shift
    edge.weight: {to: $to, away_from: $from}
    undo: previous
  - id: again
    redis.promote: {region: $to}
    undo: {edge.ready: {region: $from}}
"""
DONE_ONCE = [
    "pg.fence writes-west fenced",
    "pg.promote database-east primary",
    "edge.weight edge east=50 west=50",
    "edge.weight edge east=100 west=0",
]
APPROVED = "  - id: go\n    approve: {expires: EXPIRES}\n" + FAILOVER
POLICY = PolicySpec(roles={"*": Role.OPERATOR, "second": Role.APPROVER}, drill_approvals=True)
HUMAN = "  - id: look\n    human: Look at $to, and paste the link.\n    evidence: url\n"
GUARDED = """\
  - id: shift
    edge.weight: {to: $to, away_from: $from, ramp: [50, 100], hold: 1s}
    undo: previous
    stop_if: {journey_failing: {region: $to, journeys: [log-in]}}
"""


def steps(shop: Shop, run: str) -> dict[str, StepState]:
    return {name: one.state for name, one in shop.progress(run).steps.items()}


def say_yes(shop: Shop, run: str, plan_sha: str = "", drill_as: str = "second") -> None:
    until(lambda: shop.progress(run).approval is not None, 20, "a wish for approval")
    sha = plan_sha or shop.progress(run).plan_sha
    request = Request(sha, login_of(shop.view(run).state.actor), "go")
    payload = approve(POLICY, request, login_of(current_actor()), time.time(), 60, drill_as)
    shop.ledger.append(run, FactKind.APPROVAL, payload, actor=current_actor())
