"""Every verb of this room by its name, for the table of processes and for whoever reads runbooks."""

from __future__ import annotations

from collections.abc import Mapping

from keelwatch.adapters import faults, haproxy, host, portal, postgres, redis
from keelwatch.adapters.http_call import CallVerb
from keelwatch.adapters.shell import ShellVerb
from keelwatch.runs import Verb

CALL, SHELL = CallVerb(), ShellVerb()
VERBS: Mapping[str, Verb] = {
    **haproxy.VERBS,
    **postgres.VERBS,
    **redis.VERBS,
    **portal.VERBS,
    **faults.VERBS,
    **host.VERBS,
    CALL.name: CALL,
    SHELL.name: SHELL,
}
