"""The entry module of experiments on the toy world: the real kind of run and the toys' verbs. The world's
files say how it is: `journeys` how journeys end, `burn` how fast the budget burns, `state` whether objectives
are calm (`ok` when missing), and PromQL is the name of a file that holds `yes`. What is left of an earlier
fault is waited for a moment only.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace

from chaos import under_load, watch
from chaos.order import Order
from chaos.process import KIND
from chaos.run import conduct
from keelwatch.runs import ProcessTable, Run, RunKind, Verdict, inconclusive, main, passed
from keelwatch.runs.fields import text
from keelwatch.safety.around import Around
from keelwatch.safety.budget import RESERVED
from keelwatch.workspace import Condition, Refused
from slo.snapshot import ObjectiveReading, State
from tests.slo.made import always, reading
from tests.toys.procedure import journeys
from tests.toys.verbs import VERBS
from tests.toys.world import value

ENTRY = "tests.toys.experiments"


class ToyAround(Around):
    """The world's files in place of a Prometheus."""

    def readings(self, names: Sequence[str]) -> tuple[ObjectiveReading, ...]:
        calm = reading(always(0, 1000))
        state = State(self._told("state") or "ok")
        reason = "no data" if state is State.UNKNOWN else None
        return tuple(replace(calm, name=one, state=state, unknown_reason=reason) for one in names)

    def burn_below(self, most: float, window_s: float, region: str | None, names: Sequence[str]) -> Condition:
        burn = float(self._told("burn") or 0)
        return Condition.yes(f"{burn:g}x") if burn < most else Condition.no(f"{burn:g}x")

    def promql_holds(self, query: str) -> Condition:
        found = self._told(query)
        if found == "unknown":
            return Condition.unknown(f"{query}: nobody answers")
        return (
            Condition.yes(f"{query}: 1") if found == "yes" else Condition.no(f"{query}: {found or 'nothing'}")
        )

    def _told(self, name: str) -> str:
        return value(self.workspace.parent / "world", name)


def experiment(run: Run) -> Verdict:
    watch.CLEAR_WITHIN_S = 1.0
    under_load.ANSWERED_WITHIN_S = 3.0

    def look(order: Order) -> Around:
        return ToyAround(order.workspace, order.environment, order.sandbox)

    return conduct(run, look)


def load(run: Run) -> Verdict:
    """Goes on until it is stopped; the profiles `short` and `guarded` end sooner, and `refused` never
    begins; `unheard` is never answered."""
    profile = text(run.args, "profile")
    if profile == "refused":
        run.wait(4)  # its gate takes its time
        raise Refused("login-availability burns already (page)")
    run.note(RESERVED, {"objective": "login-availability", "share": 0.01})
    if profile != "unheard":
        run.note("answered", {})
    run.wait(60 if profile in {"steady", "unheard"} else 5)
    if profile == "guarded":
        return inconclusive("guard-tripped: burn")
    return passed("nobody stopped it")


def failover(run: Run) -> Verdict:
    """Goes on until it is stopped."""
    run.wait(60)
    return passed()


TABLE = ProcessTable(
    {
        "probe": RunKind("probe", journeys),
        "load": RunKind("load", load),
        "runbook": RunKind("runbook", failover),
        KIND.name: replace(KIND, actor=experiment),
    },
    VERBS,
    tick_s=0.2,
)

if __name__ == "__main__":
    raise SystemExit(main(TABLE, sys.argv[1:]))
