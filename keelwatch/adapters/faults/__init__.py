"""Faults as verbs: what a run breaks, it takes back, whichever process dies. Every fault ends by itself, too.

A sandbox breaks on request, over its control socket. Elsewhere nothing is broken that was not made for it.
"""

from __future__ import annotations

from keelwatch.adapters.faults.clearing import FaultClearVerb
from keelwatch.adapters.faults.setting import FaultSetVerb

VERBS = {verb.name: verb for verb in (FaultSetVerb(), FaultClearVerb())}

__all__ = ["VERBS"]
