"""Whole screens as plain lines: for pipes, logs, screen readers and terminals that cannot draw."""

from __future__ import annotations

from dataclasses import replace

from console.view import objective, overview
from console.view.world import Origin, World
from slo.snapshot import ObjectiveReading

WIDTH = 120


def overview_lines(world: World) -> list[str]:
    """What the Overview shows, in reading order."""
    _, sentence = overview.verdict_line(world, WIDTH)
    lines = [overview.world_line(world, WIDTH), sentence, overview.changed_line(world), ""]
    lines.append(overview.header(WIDTH).rstrip())
    objectives = world.snapshot.objectives if world.snapshot else ()
    lines += ["".join(overview.cells(one, WIDTH, stale=world.stale).values()).rstrip() for one in objectives]
    lines += ["", *overview.region_lines(world)]
    if world.backfill_until is not None:
        lines += ["", f"history before {overview.when(world.backfill_until, world)} is BACKFILLED"]
    return lines


def frame_lines(world: World, width: int) -> list[str]:
    """The Overview below its first line, as it is when it is no longer known to hold."""
    past = replace(world, origin=Origin.CACHED)
    objectives = past.snapshot.objectives if past.snapshot else ()
    _, sentence = overview.verdict_line(past, width)
    lines = [
        sentence,
        overview.changed_line(past),
        overview.table_title(past, len(objectives), width, folded=0),
    ]
    rows = ["".join(overview.cells(one, width, stale=True).values()).rstrip() for one in objectives]
    return [*(f" {line}"[:width] for line in lines), overview.header(width).rstrip(), *rows]


def objective_lines(one: ObjectiveReading, world: World) -> list[str]:
    """What the screen of one objective shows, without the plot."""
    return [
        objective.heading(one, world, WIDTH),
        objective.budget_line(one, WIDTH),
        objective.state_sentence(one),
        *objective.pair_lines(one, WIDTH),
        "",
        *objective.window_lines(one),
    ]
