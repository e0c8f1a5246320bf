"""Policy: who may do what, and what may never happen, whoever acts.

Promises: a rule is a pure function of the workspace, the facts and what was asked of the world. It never
acts and never asks itself (`Watching` asks, by what it is given), and what is unknown lets nobody act.
"""

from keelwatch.safety.approval import Approvals, Request, approve, login_of, require_approval, standing
from keelwatch.safety.arming import DEEDS, ArmedKind, require_armed, wants_arming
from keelwatch.safety.budget import Reservation, reservations, reserve, settle
from keelwatch.safety.guard import Limit, Trip, Watch, judge
from keelwatch.safety.invariants import Rule, Situation, holds, require_beside
from keelwatch.safety.roles import require_operator, role_of
from keelwatch.safety.watching import Watching

__all__ = [
    "DEEDS",
    "Approvals",
    "ArmedKind",
    "Limit",
    "Request",
    "Reservation",
    "Rule",
    "Situation",
    "Trip",
    "Watch",
    "Watching",
    "approve",
    "holds",
    "judge",
    "login_of",
    "require_approval",
    "require_armed",
    "require_beside",
    "require_operator",
    "reservations",
    "reserve",
    "role_of",
    "settle",
    "standing",
    "wants_arming",
]
