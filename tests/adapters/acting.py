"""The entry module of runs that act by one verb of this room and then wait to be killed."""

from __future__ import annotations

import sys

from keelwatch.adapters.verbs import VERBS
from keelwatch.runs import OnDeath, OnTerm, ProcessTable, Run, RunKind, Verdict, main, passed
from keelwatch.runs.fields import mapping, text

ENTRY = "tests.adapters.acting"


def act(run: Run) -> Verdict:
    """`verb` with `with`, then a long silence; a run that goes on after its death is done at once."""
    run.act(text(run.args, "verb"), mapping(run.args, "with"), step="act")
    if run.args.get("stay"):
        run.wait(60)
    return passed("acted")


KINDS = (RunKind("chaos", act), RunKind("runbook", act, OnDeath.ORPHAN, OnTerm.PAUSE))
TABLE = ProcessTable({kind.name: kind for kind in KINDS}, VERBS, tick_s=0.2)

if __name__ == "__main__":
    raise SystemExit(main(TABLE, sys.argv[1:]))
