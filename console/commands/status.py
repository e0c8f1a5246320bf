"""`keelwatch status`: the Overview for a script, a pager or a dumb terminal."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import as_json_or_plain, in_environment
from keelwatch.workspace import ExitCode, worst, write_out
from slo.snapshot import Snapshot, State

if TYPE_CHECKING:
    from console.feed import Look


@click.command()
@in_environment
@as_json_or_plain
@click.option(
    "--fail-on",
    type=click.Choice(["page", "ticket"]),
    default="page",
    show_default=True,
    help="What counts as 1.",
)
def status(workspace: Path | None, environment: str | None, fail_on: str, *, json_wanted: bool) -> None:
    """Say how customers are doing, worst first.

    Exit code: 0 nothing pages, 1 an objective pages, 4 something is unknown, 5 the source is unreachable,
    8 an undo was left behind (whatever the objectives say: keelwatch heal).
    """
    sys.exit(print_status(workspace, environment, fail_on=fail_on, json_wanted=json_wanted))


def print_status(
    workspace: Path | None, environment: str | None, *, fail_on: str = "page", json_wanted: bool = False
) -> int:
    """Look once and print; returns the exit code."""
    from console.feed import world_of
    from console.live_feed import LiveFeed
    from console.view.plain import overview_lines

    look = LiveFeed.open(workspace, environment).look()
    if json_wanted:
        _print_json(look)
    else:
        world = world_of(look, look.snapshot.at)
        for line in overview_lines(replace(world, snapshot=look.snapshot)):
            write_out(line)
    codes = [exit_code(look.snapshot, fail_on), *([ExitCode.LEFT_BEHIND] if look.left else [])]
    return int(worst(codes))


def _print_json(look: Look) -> None:
    import json

    from console.view.head import summary
    from slo.status import to_json

    extra = {
        "summary": summary(look.snapshot),
        "backfill_until": look.backfill_until,
        "left_behind": len(look.left),
        "left_at": list(look.left),
        "source_asked": look.asked,
        "watched": look.watched,
    }
    write_out(json.dumps({**to_json(look.snapshot), **extra}, indent=2))


def exit_code(snapshot: Snapshot, fail_on: str = "page") -> ExitCode:
    """A page is 1, a ticket only when asked; unknown is 4 unless something worse is known; no source is 5."""
    states = {one.state for one in snapshot.objectives}
    codes = [ExitCode.PASS]
    if State.PAGE in states or (fail_on == "ticket" and State.TICKET in states):
        codes.append(ExitCode.FAIL)
    if State.UNKNOWN in states or not snapshot.objectives:
        codes.append(ExitCode.UNKNOWN)
    if snapshot.source_error:
        codes.append(ExitCode.SOURCE)
    return worst(codes)
