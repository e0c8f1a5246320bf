"""What `console.processes` is handed: the kind of run of this room. Light to load."""

from __future__ import annotations

from collections.abc import Iterable

from keelwatch.ledger import Fact
from keelwatch.runs import Run, RunKind, Verdict


def perform(run: Run) -> Verdict:
    """An experiment, from its baseline to its verdict."""
    from chaos.run import conduct

    return conduct(run)


def remains(facts: Iterable[Fact]) -> tuple[str, ...]:
    """The rollbacks that nobody but the experiment could have played."""
    from chaos.owed import owed_in

    return owed_in(facts)


KIND = RunKind("chaos", perform, remains=remains)
