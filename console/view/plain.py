"""Whole screens as plain lines: for pipes, logs, screen readers and terminals that cannot draw."""

from __future__ import annotations

from console.view import objective, overview
from console.view.world import World
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
