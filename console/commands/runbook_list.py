"""`keelwatch runbook list`: which procedures there are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import as_json_or_plain, in_environment
from console.output import emit_json
from console.places import place
from keelwatch.workspace import KeelwatchError, SystemClock, narrate, write_out

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from console.output import Json
    from console.view.shelf import Rehearsal, ShelfRow
    from runbooks.load import Runbook


@click.command("list")
@in_environment
@as_json_or_plain
def list_runbooks(workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """List the runbooks of the workspace.

    With their inputs, the step from which there is no way back, and the age of their last rehearsal.
    """
    from console.runbook_book import shelf_row
    from runbooks.load import load_folder

    where, now = place(workspace, environment), SystemClock().now()
    found = load_folder(where.workspace.folders["runbooks"])
    last, unknown = _rehearsals()
    rows = {one.name: shelf_row(one, last.get(one.name)) for one in found}
    if json_wanted:
        body = {"runbooks": [_document(one, rows[one.name], now, unknown) for one in found]}
        emit_json("runbook-list", where.name, now, body)
        return
    if not found:
        narrate(f"no runbooks in {where.workspace.folders['runbooks']}")
        return
    if unknown:
        narrate(f"rehearsals are not known: {unknown}")
    for line in _lines(found, rows, now, unknown):
        write_out(line)


def _rehearsals() -> tuple[Mapping[str, Rehearsal], str]:
    """The last one of each runbook, or why none is known."""
    from console.runbook_book import reading, rehearsals

    try:
        with reading() as store:
            return rehearsals(store), ""
    except KeelwatchError as error:
        return {}, error.message


def _lines(found: Sequence[Runbook], rows: Mapping[str, ShelfRow], now: float, unknown: str) -> list[str]:
    titles = ("RUNBOOK", "STEPS", "NO RETURN FROM", "RTO", "REHEARSED", "OWNER", "TITLE")
    table = [titles, *(_row(one, rows[one.name], now, unknown) for one in found)]
    last = len(titles) - 1
    widths = [max(len(row[column]) for row in table) for column in range(last)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row[:last], widths, strict=True)), row[last]])
        for row in table
    ]


def _row(one: Runbook, row: ShelfRow, now: float, unknown: str) -> tuple[str, ...]:
    from console.view.shelf import badge
    from runbooks.words import span

    spec = one.spec
    rto = span(spec.objectives.rto) if spec.objectives else "-"
    rehearsed = "?" if unknown else badge(row, now)
    return (one.name, str(row.steps), row.last or "-", rto, rehearsed, spec.owner, spec.title)


def _document(one: Runbook, row: ShelfRow, now: float, unknown: str) -> dict[str, object]:
    from console.view.shelf import badge_json

    spec = one.spec
    inputs: list[Json] = [
        {"name": name, "type": each.type, "default": each.default} for name, each in spec.inputs.items()
    ]
    return {
        "name": one.name,
        "title": spec.title,
        "owner": spec.owner,
        "file": str(one.file),
        "steps": [step.id for step in spec.steps],
        "no_return_from": row.last or None,
        "inputs": inputs,
        "lock": spec.lock,
        "rto_s": row.rto_s,
        "rehearse_every_s": row.rehearse_every_s,
        "rehearsal": badge_json(row, now),
        "rehearsal_unknown_reason": unknown or (None if row.rehearsal else "never rehearsed"),
    }
