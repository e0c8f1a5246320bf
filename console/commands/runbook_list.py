"""`keelwatch runbook list`: which procedures there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import as_json_or_plain, in_environment
from console.output import emit_json
from console.places import place
from keelwatch.workspace import SystemClock, narrate, write_out

if TYPE_CHECKING:
    from console.output import Json
    from runbooks.load import Runbook


@click.command("list")
@in_environment
@as_json_or_plain
def list_runbooks(workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """List the runbooks of the workspace.

    With their inputs, and the step from which there is no way back.
    """
    from runbooks.load import load_folder

    where = place(workspace, environment)
    found = load_folder(where.workspace.folders["runbooks"])
    if json_wanted:
        body = {"runbooks": [_document(one) for one in found]}
        emit_json("runbook-list", where.name, SystemClock().now(), body)
        return
    if not found:
        narrate(f"no runbooks in {where.workspace.folders['runbooks']}")
        return
    for line in _lines(found):
        write_out(line)


def _lines(found: tuple[Runbook, ...]) -> list[str]:
    rows = [("RUNBOOK", "STEPS", "NO RETURN FROM", "RTO", "OWNER", "TITLE"), *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:5], widths, strict=True)), row[5]])
        for row in rows
    ]


def _row(one: Runbook) -> tuple[str, ...]:
    from runbooks.words import span

    spec = one.spec
    rto = span(spec.objectives.rto) if spec.objectives else "-"
    return (one.name, str(len(spec.steps)), _last(one) or "-", rto, spec.owner, spec.title)


def _last(one: Runbook) -> str:
    from runbooks.rules import point_of_no_return

    index = point_of_no_return(one.spec.steps)
    return "" if index is None else one.spec.steps[index].id


def _document(one: Runbook) -> dict[str, Json]:
    spec = one.spec
    inputs: list[Json] = [
        {"name": name, "type": each.type, "default": each.default} for name, each in spec.inputs.items()
    ]
    every = spec.rehearse_every
    return {
        "name": one.name,
        "title": spec.title,
        "owner": spec.owner,
        "file": str(one.file),
        "steps": [step.id for step in spec.steps],
        "no_return_from": _last(one) or None,
        "inputs": inputs,
        "lock": spec.lock,
        "rto_s": spec.objectives.rto.total_seconds() if spec.objectives else None,
        "rehearse_every_s": every.total_seconds() if every else None,
    }
