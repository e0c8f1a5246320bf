"""Which kinds of run an environment wants armed before they act."""

from __future__ import annotations

from typing import Literal

from keelwatch.workspace.errors import Refused
from keelwatch.workspace.model import Arming, PolicySpec

type ArmedKind = Literal["probe", "load", "chaos", "runbook"]

USUAL: dict[ArmedKind, Arming] = {
    "probe": Arming.FREE,  # what customers do all day
    "load": Arming.REQUIRED,
    "chaos": Arming.REQUIRED,
    "runbook": Arming.REQUIRED,
}
DEEDS: dict[ArmedKind, str] = {
    "probe": "journeys",
    "load": "load tests",
    "chaos": "experiments",
    "runbook": "runbooks",
}


def wants_arming(policy: PolicySpec, kind: ArmedKind) -> bool:
    """The policy's own word on `kind`, else the usual: everything but probes."""
    return policy.arming.get(kind, USUAL[kind]) is Arming.REQUIRED


def require_armed(
    policy: PolicySpec, kind: ArmedKind, environment: str, *, armed: bool, how: str = "add --arm"
) -> None:
    """Raises `Refused` unless `armed`, or the policy does not want it. `how` says what to do."""
    if wants_arming(policy, kind) and not armed:
        raise Refused(f"{environment} wants {DEEDS[kind]} armed", how)
