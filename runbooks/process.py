"""What `console.processes` is handed: the kind of run and the verbs of this room. Light to load."""

from __future__ import annotations

from keelwatch.runs import OnDeath, OnTerm, Run, RunKind, Verdict

MODULES = {"notify": "runbooks.verbs.notify"}
"""Which module has a verb in its `VERBS`: most runs want none."""


def perform(run: Run) -> Verdict:
    """A runbook, from its start or from where it was left."""
    from runbooks.conduct.perform import perform

    return perform(run)


KIND = RunKind("runbook", perform, OnDeath.ORPHAN, OnTerm.PAUSE)

__all__ = ["KIND", "MODULES"]
