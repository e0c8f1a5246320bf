"""Every verb of this room by its name, for the table of processes and for whoever reads runbooks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module

from keelwatch.runs import Verb

EDGE, DATABASE, CACHE = (f"keelwatch.adapters.{room}" for room in ("haproxy", "postgres", "redis"))
PORTAL = "keelwatch.adapters.portal"
FAULTS, HOST = "keelwatch.adapters.faults", "keelwatch.adapters.host"
MODULES: Mapping[str, str] = {
    "edge.weight": EDGE,
    "edge.drain": EDGE,
    "edge.ready": EDGE,
    "pg.lag": DATABASE,
    "pg.fence": DATABASE,
    "pg.unfence": DATABASE,
    "pg.promote": DATABASE,
    "pg.rejoin": DATABASE,
    "redis.promote": CACHE,
    "redis.follow": CACHE,
    "redis.rejoin": CACHE,
    "sessions.revoke": PORTAL,
    "flag.set": PORTAL,
    "fault.set": FAULTS,
    "fault.clear": FAULTS,
    "process.kill": HOST,
    "process.up": HOST,
    "process.hang": HOST,
    "process.wake": HOST,
    "http.call": "keelwatch.adapters.http_call",
    "shell": "keelwatch.adapters.shell",
}
"""Which module has a verb in its `VERBS`."""


@dataclass(frozen=True, slots=True)
class LateVerbs(Mapping[str, Verb]):
    """Verbs whose module is loaded when one of them is first wanted: every run and every guardian starts with
    this table, and most of them want none. `known` are loaded already."""

    modules: Mapping[str, str]
    known: Mapping[str, Verb]

    def __getitem__(self, name: str) -> Verb:
        if name in self.known:
            return self.known[name]
        verb: Verb = import_module(self.modules[name]).VERBS[name]
        return verb

    def __iter__(self) -> Iterator[str]:
        yield from self.known
        yield from self.modules

    def __len__(self) -> int:
        return len(self.known) + len(self.modules)


VERBS = LateVerbs(MODULES, {})
