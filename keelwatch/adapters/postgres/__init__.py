"""Touch: PostgreSQL, a primary and its streaming standbys: lag, fence, promote, rejoin.

Promises: nothing hangs, also when a server is frozen; a promotion is compared with the timeline of its plan
inside the server, so a late or stale one does nothing; who cannot be asked is unknown. It promotes through
PostgreSQL itself: where Patroni or another manager rules, let that do it. The client loads with the first
question.
"""

from keelwatch.adapters.postgres.fence import FenceVerb, UnfenceVerb
from keelwatch.adapters.postgres.lag import Lag, LagVerb, lag_of
from keelwatch.adapters.postgres.promote import PromoteVerb
from keelwatch.adapters.postgres.rejoin import RejoinVerb
from keelwatch.adapters.postgres.standing import Standing, ask_all, primary_among, standing_of

VERBS = {verb.name: verb for verb in (LagVerb(), FenceVerb(), UnfenceVerb(), PromoteVerb(), RejoinVerb())}

__all__ = [
    "VERBS",
    "FenceVerb",
    "Lag",
    "LagVerb",
    "PromoteVerb",
    "RejoinVerb",
    "Standing",
    "UnfenceVerb",
    "ask_all",
    "lag_of",
    "primary_among",
    "standing_of",
]
