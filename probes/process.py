"""What `console.processes` is handed: the kind of run and the verbs of this room. Light to load."""

from __future__ import annotations

from keelwatch.runs import Run, RunKind, Verdict
from probes.undo import VERBS


def perform(run: Run) -> Verdict:
    """Journeys once, or for ever where the arguments name a port for metrics."""
    if "port" in run.args:
        from probes.watch import watch

        return watch(run)
    from probes.run import run_journeys

    return run_journeys(run)


KIND = RunKind("probe", perform)

__all__ = ["KIND", "VERBS"]
