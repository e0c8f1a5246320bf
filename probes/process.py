"""What `console.processes` is handed: the kind of run and the verbs of this room. Light to load."""

from __future__ import annotations

from contextlib import suppress
from threading import Thread

from keelwatch.runs import Run, RunKind, Verdict
from keelwatch.workspace.errors import KeelwatchError
from probes.undo import VERBS


def perform(run: Run) -> Verdict:
    """Journeys once, or for ever where the arguments name a port for metrics."""
    if "port" in run.args:
        from probes.watch import watch

        return watch(run)
    if run.args.get("changes"):
        _begin_guardian(run)
    from probes.run import run_journeys

    return run_journeys(run)


def _begin_guardian(run: Run) -> None:
    """It starts while the journeys are read. Whoever announces an intent waits for it, and hears of it when
    there is none."""

    def begin() -> None:
        with suppress(KeelwatchError):
            run.guardian.ensure()

    Thread(target=begin, daemon=True).start()


KIND = RunKind("probe", perform)

__all__ = ["KIND", "VERBS"]
