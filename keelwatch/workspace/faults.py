"""Which faults a sandbox has, by the component that they strike: for the sandbox, and for whoever reads an
experiment while none runs."""

from __future__ import annotations

import re
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
LONGEST_DELAY_S = 10.0
DELAYS = ("latency", "slow-body")


def names_of(component: str) -> tuple[str, ...]:
    """`billing.errors` and so on; none for what cannot be broken."""
    return tuple(f"{component}.{kind}" for kind in FAULTS.get(component, ()))


def amount_of(kind: str, value: str) -> float | None:
    """A ratio 0..1 for errors, seconds for delays, 1 for everything else; None for a value that the kind does
    not take."""
    if kind == "errors":
        share = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", value)
        return float(share[1]) / 100 if share and 0 < float(share[1]) <= 100 else None
    if kind in DELAYS:
        delay = re.fullmatch(r"(\d+(?:\.\d+)?)\s*(ms|s)", value)
        seconds = float(delay[1]) / (1000 if delay[2] == "ms" else 1) if delay else 0.0
        return seconds if 0 < seconds <= LONGEST_DELAY_S else None
    return 1.0 if value == "on" else None


def values_of(kind: str) -> str:
    """In words: what the kind takes."""
    if kind == "errors":
        return "a share above 0% and at most 100%, as in 30%"
    if kind in DELAYS:
        return f"a delay as in 300ms or 1.5s, at most {LONGEST_DELAY_S:g}s"
    return "on, its only value"
