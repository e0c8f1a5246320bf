"""Processes of this machine as an environment's parts: killed, hung, woken. None is ever touched that the
environment does not name, and none by a bare pid.

Today only a sandbox names its processes; elsewhere these verbs refuse.
"""

from __future__ import annotations

from keelwatch.adapters.host.hang import HangVerb, WakeVerb
from keelwatch.adapters.host.kill import KillVerb, UpVerb

VERBS = {verb.name: verb for verb in (KillVerb(), UpVerb(), HangVerb(), WakeVerb())}

__all__ = ["VERBS"]
