"""What a rollback may not do. Pure: verbs' names and arguments in, a reason out."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from chaos.blast import FAULT

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject

BREAKS = frozenset({FAULT, "process.kill", "process.hang"})
"""The verbs by which `keelwatch chaos faults` breaks things."""
OFF = re.compile(r"off|false|none|0+(\.0+)?\s*(%|[a-z]+)?", re.IGNORECASE)
"""What ends a fault; YAML takes `off` for false."""


def breaks_anew(verb: str, args: JsonObject) -> str:
    """Why a rollback may not act so: nobody would take back what it sets. Empty when it may."""
    if verb not in BREAKS or (verb == FAULT and OFF.fullmatch(str(args.get("value", "on")))):
        return ""
    return f"{verb}: a rollback mends; it sets no fault"
