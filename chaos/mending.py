"""What a rollback may not do. Pure: verbs' names in, a reason out."""

from __future__ import annotations

from chaos.blast import FAULT

BREAKS = frozenset({FAULT, "process.kill", "process.hang"})
"""The verbs by which `keelwatch chaos faults` breaks things."""


def breaks_anew(verb: str) -> str:
    """Why a rollback may not act so: nobody would take back what it sets. Empty when it may. No value of a
    fault ends one; what the method did is taken back without being asked."""
    return f"{verb}: a rollback mends; it sets no fault" if verb in BREAKS else ""
