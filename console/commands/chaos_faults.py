"""`keelwatch chaos faults`: what can be broken here, and why not the rest."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import as_json_or_plain, in_environment
from console.output import emit_json
from keelwatch.workspace import SystemClock, worst, write_out

if TYPE_CHECKING:
    from keelwatch.adapters.faults.possible import Possible


@click.command()
@in_environment
@as_json_or_plain
def faults(workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """Say which faults can be set here, and why not the others.

    Each is asked of whoever would do it: the sandbox, the processes, the kernel. Nothing is broken by asking.
    Lines without a verb are for an experiment's own actions. Exit code 5 when the sandbox does not run.
    """
    from console.places import place
    from keelwatch.adapters.faults.possible import possible

    where = place(workspace, environment)
    found = list(possible({"workspace": str(where.workspace.file), "environment": where.name}))
    if json_wanted:
        emit_json("chaos-faults", where.name, SystemClock().now(), {"faults": [_json(one) for one in found]})
    else:
        for line in lines(found):
            write_out(line)
    sys.exit(worst([one.code for one in found]))


def _json(one: Possible) -> dict[str, object]:
    told = {"verb": one.verb or None, "fault": one.fault, "value": one.value or None}
    return {**told, "allowed": one.allowed, "why": one.why or None, "remedy": one.remedy or None}


def lines(found: Sequence[Possible]) -> list[str]:
    """A line each; `no` comes with its reason, and what to do about it."""
    told = []
    for one in found:
        head = f"{'yes' if one.allowed else 'no':<4} {one.verb or '-':<13} {one.fault:<26}"
        told.append(f"{head} {one.value if one.allowed else one.why}".rstrip())
        if one.remedy:
            told.append(f"{'':<46} try: {one.remedy}")
    return told
