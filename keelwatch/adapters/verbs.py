"""Every verb of this room by its name, for the table of processes and for whoever reads runbooks."""

from __future__ import annotations

from collections.abc import Mapping

from keelwatch.adapters import haproxy, postgres, redis
from keelwatch.runs import Verb

VERBS: Mapping[str, Verb] = {**haproxy.VERBS, **postgres.VERBS, **redis.VERBS}
