"""`keelwatch slo`: objectives one by one."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import as_json_or_plain, in_environment
from console.output import emit_json
from keelwatch.workspace import ExitCode, UsageError, write_out
from slo.snapshot import ObjectiveReading

if TYPE_CHECKING:
    from console.feed import Look


@click.command("list")
@in_environment
@as_json_or_plain
def list_objectives(workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """List objectives with their state and budget."""
    from console.live_feed import LiveFeed
    from console.view import overview
    from slo.status import to_json

    look = LiveFeed.open(workspace, environment).look()
    snapshot = look.snapshot
    if json_wanted:
        document = to_json(snapshot)
        body = {"backfill_until": look.backfill_until, "objectives": document["objectives"]}
        emit_json("slo-list", snapshot.environment, snapshot.at, body)
    else:
        write_out(overview.LAYOUT.header(120).rstrip())
        for one in snapshot.objectives:
            write_out("".join(overview.cells(one, 120, stale=False).values()).rstrip())
        _tell_backfilled(look)
    sys.exit(ExitCode.SOURCE if snapshot.source_error else ExitCode.PASS)


@click.command()
@click.argument("name")
@click.option("--region", help="Only this region.")
@in_environment
@as_json_or_plain
def show(
    name: str, region: str | None, workspace: Path | None, environment: str | None, *, json_wanted: bool
) -> None:
    """Show one objective: windows, pairs, budget.

    Every region of it, unless --region names one. Exit codes are those of `status`.
    """
    from console.commands.status import exit_code
    from console.feed import world_of
    from console.live_feed import LiveFeed
    from console.view.objective import burn_down_lines, cause_lines
    from console.view.plain import objective_lines
    from console.view.plot import Charset
    from slo.status import objective_json

    feed = LiveFeed.open(workspace, environment)
    look = feed.look()
    chosen = choose(look.snapshot.objectives, name, region)
    if json_wanted:
        body = {
            "backfill_until": look.backfill_until,
            "objectives": [objective_json(one) for one in chosen],
        }
        emit_json("slo-show", look.snapshot.environment, look.snapshot.at, body)
    else:
        for one in chosen:
            past = feed.burn_down(one.key)
            plot = burn_down_lines(one, past, look.snapshot.at, width=100, height=13, charset=Charset.ASCII)
            causes = cause_lines(feed.causes(one.key).shared) if not look.snapshot.source_error else []
            write_out(
                "\n".join(
                    [*objective_lines(one, world_of(look, look.snapshot.at)), "", *plot, "", *causes, ""]
                )
            )
        _tell_backfilled(look)
    sys.exit(exit_code(replace(look.snapshot, objectives=tuple(chosen))))


@click.command()
@click.argument("name")
@click.option("--region", help="Only this region.")
@in_environment
@as_json_or_plain
def why(
    name: str, region: str | None, workspace: Path | None, environment: str | None, *, json_wanted: bool
) -> None:
    """Show the queries and counts behind every number.

    Each query can be pasted into Prometheus as it is. Exit codes are those of `status`.
    """
    from console.commands.status import exit_code
    from console.live_feed import LiveFeed
    from console.view.why import why_json, why_lines

    feed = LiveFeed.open(workspace, environment)
    look = feed.look()
    snapshot = look.snapshot
    keys = [one.key for one in choose(snapshot.objectives, name, region)]
    found = [explained for key in keys if (explained := feed.explain(key)) is not None]
    if json_wanted:
        body = {"backfill_until": look.backfill_until, "objectives": [why_json(one) for one in found]}
        emit_json("slo-why", snapshot.environment, snapshot.at, body)
    else:
        for one in found:
            write_out("\n".join(why_lines(one)))
        _tell_backfilled(look)
    chosen = tuple(one for one in snapshot.objectives if one.key in keys)
    sys.exit(exit_code(replace(snapshot, objectives=chosen)))


def _tell_backfilled(look: Look) -> None:
    """Which part of the numbers above was loaded and not lived, if any was."""
    from console.feed import world_of
    from console.view.overview import backfilled

    if told := backfilled(world_of(look, look.snapshot.at)):
        write_out(f"history: {told}")


def choose(objectives: Iterable[ObjectiveReading], name: str, region: str | None) -> list[ObjectiveReading]:
    """The readings of objective `name`. Raises `UsageError` with the nearest name there is."""
    import difflib

    every = list(objectives)
    named = [one for one in every if one.name == name]
    chosen = [one for one in named if region is None or one.region == region]
    if chosen:
        return chosen
    if named:
        regions = ", ".join(sorted(str(one.region or "all") for one in named))
        raise UsageError(f"{name} is not kept for the region {region!r}", f"there are: {regions}")
    near = difflib.get_close_matches(name, [one.name for one in every], n=1)
    raise UsageError(f"no objective {name!r}", f"did you mean {near[0]!r}?" if near else "keelwatch slo list")
