"""The journeys' transport: one request, one answer, and where the time in between went.

It promises true times (ours are taken off, or the hop is marked `tainted`), causes for failures, and that a
cancelled request harms no other. It never follows a proxy of the environment, never asks a host that is not
the environment's, and never tries anything twice.
"""

from probes.wire.following import Following
from probes.wire.lag import LagMeter
from probes.wire.request import AGENT, NotOurs, Pending, WireFailure, WireRequest
from probes.wire.resolver import Resolver
from probes.wire.trust import Trust
from probes.wire.wire import Wire, warm_up

__all__ = [
    "AGENT",
    "Following",
    "LagMeter",
    "NotOurs",
    "Pending",
    "Resolver",
    "Trust",
    "Wire",
    "WireFailure",
    "WireRequest",
    "warm_up",
]
