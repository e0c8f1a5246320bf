"""What `console.processes` is handed: the kind of run of this room. Light to load."""

from __future__ import annotations

from keelwatch.runs import Run, RunKind, Verdict


def perform(run: Run) -> Verdict:
    """An experiment, from its baseline to its verdict."""
    from chaos.run import conduct

    return conduct(run)


KIND = RunKind("chaos", perform)
