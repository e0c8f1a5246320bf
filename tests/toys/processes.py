"""The toys' entry module: what `console.processes` is to the product."""

from __future__ import annotations

import os
import sys

from keelwatch.runs import OnDeath, OnTerm, ProcessTable, RunKind, main
from keelwatch.workspace import state_dir
from tests.toys import actors
from tests.toys.verbs import VERBS

ENTRY = "tests.toys.processes"
KINDS = (
    RunKind("probe", actors.probe),
    RunKind("load", actors.load),
    RunKind("chaos", actors.experiment),
    RunKind("runbook", actors.runbook, OnDeath.ORPHAN, OnTerm.PAUSE),
    RunKind("order", actors.order, OnDeath.ORPHAN, OnTerm.PAUSE),
    RunKind("trial-order", actors.order),
    RunKind("full", actors.full_disk),
    RunKind("late", actors.late),
    RunKind("buggy", actors.buggy),
    RunKind("wordy", actors.wordy),
    RunKind("leaky", actors.leaky),
    RunKind("twice", actors.twice),
    RunKind("sleepy", actors.sleepy),
)
TABLE = ProcessTable(
    {kind.name: kind for kind in KINDS}, VERBS, tick_s=float(os.environ.get("TOY_TICK_S", "0.2"))
)

if __name__ == "__main__":
    if sys.argv[1] == "guard" and (state_dir() / "no-guardian").exists():
        raise SystemExit("no guardian today")
    raise SystemExit(main(TABLE, sys.argv[1:]))
