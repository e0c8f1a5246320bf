"""What `console.processes` is handed: the kind of run of this room. Light to load."""

from __future__ import annotations

from keelwatch.runs import Run, RunKind, Verdict


def perform(run: Run) -> Verdict:
    if "objective" in run.args:
        from loadtests.capacity import search

        return search(run)
    from loadtests.run import push

    return push(run)


KIND = RunKind("load", perform)

__all__ = ["KIND"]
