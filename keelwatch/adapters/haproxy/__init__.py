"""Touch: HAProxy, by its runtime API: how customers are shared out among regions.

Promises: every question and command is bounded in time; an answer of another form than expected is an
error, never a guess; what somebody else decided since the plan is not overwritten. It changes the running
process alone: a reload loses it all, and the checks then say so.
"""

from keelwatch.adapters.haproxy.drain import DrainVerb, ReadyVerb
from keelwatch.adapters.haproxy.runtime import EdgeServer, look
from keelwatch.adapters.haproxy.serving import serving
from keelwatch.adapters.haproxy.weight import LOST, WeightVerb

VERBS = {verb.name: verb for verb in (WeightVerb(), DrainVerb(), ReadyVerb())}

__all__ = ["LOST", "VERBS", "DrainVerb", "EdgeServer", "ReadyVerb", "WeightVerb", "look", "serving"]
