"""Where the processes of runs start: `python -m console.processes run ID` and `guard ID FD`.

Hands `keelwatch.runs` the table from names to what they stand for, so that the kernel imports nothing
above itself. A room that brings runs or verbs adds its lines here.
"""

from __future__ import annotations

import sys

from chaos import process as chaos
from keelwatch.adapters.verbs import MODULES, LateVerbs
from keelwatch.runs import ProcessTable, main
from loadtests import process as loadtests
from probes import process as probes
from runbooks import process as runbooks

ENTRY = "console.processes"
KINDS = {kind.name: kind for kind in (probes.KIND, loadtests.KIND, chaos.KIND, runbooks.KIND)}
TABLE = ProcessTable(kinds=KINDS, verbs=LateVerbs({**MODULES, **runbooks.MODULES}, probes.VERBS))

if __name__ == "__main__":
    sys.exit(main(TABLE, sys.argv[1:]))
