"""Actions for experiments. Each asks the run to act: its undo is on record before anything happens, and is
carried out and verified whatever becomes of the experiment, so `rollbacks` need not repeat it. One that is a
rollback itself is not taken back.

In a method: `provider: {type: python, module: chaos.actions, func: fault, arguments: {fault: billing.errors,
...}}`.
"""

from __future__ import annotations

from typing import Any

from chaos.line import ROLLING_BACK, OutOfBounds, asked
from chaos.terms import USUAL_END, lasting_s, value_of
from keelwatch.runs.fields import text


def act(verb: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    """Any verb of the console, as in a runbook; the run adds where the environment is. Returns its
    evidence. Raises `OutOfBounds` for one that the experiment may not make, and ends it by that."""
    rolling_back = ROLLING_BACK.get()
    found = asked({"do": "act", "verb": verb, "args": arguments or {}, "rolling_back": rolling_back})
    if reason := text(found, "out_of_bounds"):
        raise OutOfBounds(reason, "widen `blast_radius`, or strike less")
    return found


def fault(fault: str, value: object = "on", region: str = "all", for_: str = USUAL_END) -> dict[str, Any]:
    """Break a component of the sandbox: `billing.errors` by `100%`, `cache.latency` by `300ms`, `portal.down`
    by `on`. It ends by itself after `for_`, should nobody be left to end it."""
    lasts = {"for_s": lasting_s(for_)}
    return act("fault.set", {"fault": fault, "value": value_of(value), "region": region, **lasts})


def undo() -> dict[str, Any]:
    """Take back all that was done so far, verified; fails when something cannot be."""
    return asked({"do": "undo"})


def wait(for_: str) -> str:
    """Let time pass."""
    import threading

    threading.Event().wait(lasting_s(for_))
    return for_
