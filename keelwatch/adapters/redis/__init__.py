"""Touch: Redis, a primary and its replicas: promote, follow, rejoin.

Promises: every answer is awaited within a bound, and a command is sent once. It rules single servers: where
Sentinel or a cluster does, let that do it. The client loads with the first question.
"""

from keelwatch.adapters.redis.connection import Replication, replication_of
from keelwatch.adapters.redis.promote import FollowVerb, PromoteVerb, RejoinVerb

VERBS = {verb.name: verb for verb in (PromoteVerb(), FollowVerb(), RejoinVerb())}

__all__ = ["VERBS", "FollowVerb", "PromoteVerb", "RejoinVerb", "Replication", "replication_of"]
