"""The entry module of experiments on the toy world: the real kind of run, the toys' verbs, and journeys that
pass unless the world's file `journeys` says otherwise."""

from __future__ import annotations

import sys

from chaos.process import KIND
from keelwatch.runs import ProcessTable, RunKind, main
from tests.toys.procedure import journeys
from tests.toys.verbs import VERBS

ENTRY = "tests.toys.experiments"
TABLE = ProcessTable({"probe": RunKind("probe", journeys), KIND.name: KIND}, VERBS, tick_s=0.2)

if __name__ == "__main__":
    raise SystemExit(main(TABLE, sys.argv[1:]))
