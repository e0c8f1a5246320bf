"""Which faults a sandbox has, by the component that they strike: for the sandbox, and for whoever reads an
experiment while none runs."""

from __future__ import annotations

from collections.abc import Mapping

KINDS = ("errors", "latency", "down", "crash")
FAULTS: Mapping[str, tuple[str, ...]] = {
    "portal": (*KINDS, "slow-body"),
    "identity": ("errors", "latency", "down", "enumeration", "no-revocation"),
    "accounts": ("errors", "latency", "down", "audit-missing"),
    "billing": (*KINDS, "slow-body", "double-effect"),
    "notifications": ("errors", "latency", "down"),
    "edge": (*KINDS, "reload"),
    "database": (*KINDS, "killed", "paused"),
    "cache": KINDS,
    "link": ("latency", "reset", "blackhole", "partition"),
}


def names_of(component: str) -> tuple[str, ...]:
    """`billing.errors` and so on; none for what cannot be broken."""
    return tuple(f"{component}.{kind}" for kind in FAULTS.get(component, ()))
