"""`keelwatch probe list`: the Probes screen for a script, a pager or a dumb terminal."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import as_json_or_plain, in_environment
from console.output import emit_json
from console.places import place
from keelwatch.workspace import SystemClock, write_out

if TYPE_CHECKING:
    from console.output import Json
    from console.view.board import Board, Row


@click.command("list")
@in_environment
@as_json_or_plain
def list_journeys(workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """List journeys with their last results, by region.

    What fails comes first. In LAST 20 the newest is at the right: `.` pass, `F` fail, `!` invalid, `?`
    inconclusive. It lists what is kept and runs nothing; the exit code says nothing of the results.
    """
    from console.journeys import JourneyBook
    from console.view.board import board_lines

    book = JourneyBook(place(workspace, environment))
    book.rows()  # a broken file is this command's failure, not a line on a screen
    now = SystemClock().now()
    found = book.board(now)
    if json_wanted:
        emit_json("probe-list", found.environment, now, as_document(found))
        return
    for line in board_lines(found, now):
        write_out(line)


def as_document(found: Board) -> dict[str, Json]:
    """One entry for each journey and region, as the screen sorts them."""
    return {
        "watched": found.watched,
        "quarantine": list(found.left),
        "journeys": [_row(row, found) for row in found.rows],
    }


def _row(row: Row, found: Board) -> dict[str, Json]:
    from console.view.board import due_at, strip

    last = row.last
    due = due_at(row, found)
    return {
        "journey": row.journey,
        "title": row.title,
        "component": row.component,
        "region": row.region,
        "every_s": row.every_s,
        "result": last.result.value if last else None,
        "unknown_reason": None if last else "it has not run here yet",
        "reason": row.reason or None,
        "started": last.started if last else None,
        "age_s": round(found.at - last.started, 3) if last else None,
        "stale": row.stale(found.at),
        "took_s": last.took_s if last else None,
        "id": last.id if last else None,
        "next_in_s": None if due is None else round(max(0.0, due - found.at), 3),
        "strip": strip(row.past).strip(),
    }
