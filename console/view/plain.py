"""Whole screens as plain lines: for pipes, logs, screen readers and terminals that cannot draw."""

from __future__ import annotations

from dataclasses import dataclass, replace

from console.view import head, objective, overview
from console.view.world import Origin, World
from slo.snapshot import ObjectiveReading

WIDTH = 120


def overview_lines(world: World) -> list[str]:
    """What the Overview shows, in reading order."""
    _, sentence = head.verdict_line(world, head.UNCUT)
    lines = [head.world_line(world, WIDTH), sentence, head.acting_line(world, head.UNCUT), ""]
    lines.append(overview.LAYOUT.header(WIDTH).rstrip())
    lines += _rows(world, WIDTH)
    lines += ["", *overview.region_lines(world)]
    if told := overview.backfilled(world):
        lines += ["", f"history: {told}"]
    return lines


def _rows(world: World, width: int) -> list[str]:
    real, probes = overview.grouped(world.snapshot.objectives if world.snapshot else ())
    rows = [_row(one, width, stale=world.stale) for one in real]
    if probes:
        rows.append("".join(overview.group_cells(probes, width, stale=world.stale).values()).rstrip())
    return [*rows, *(_row(one, width, stale=world.stale) for one in probes)]


def _row(one: ObjectiveReading, width: int, *, stale: bool) -> str:
    return "".join(overview.cells(one, width, stale=stale).values()).rstrip()


@dataclass(frozen=True, slots=True)
class Frame:
    """An Overview below its first line, to be shown again when it is no longer known to hold."""

    above: tuple[str, ...]
    rows: tuple[str, ...]
    below: str


def frame(world: World, width: int) -> Frame:
    past = replace(world, origin=Origin.CACHED)
    count = len(past.snapshot.objectives) if past.snapshot else 0
    _, sentence = head.verdict_line(past, width)
    about = overview.table_title(past, count, width, folded=0)
    above = [
        *(f" {line}"[:width] for line in (sentence, head.acting_line(past, width), about)),
        overview.LAYOUT.header(width),
    ]
    real, probes = overview.grouped(past.snapshot.objectives if past.snapshot else ())
    at_top = next(iter([*real, *probes]), None)  # where the cursor will stand in a moment
    return Frame(tuple(above), tuple(_rows(past, width)), f" {head.next_line(past, width, at_top)}"[:width])


def objective_lines(one: ObjectiveReading, world: World) -> list[str]:
    """What the screen of one objective shows, without the plot."""
    return [
        objective.heading(one, world, WIDTH),
        objective.budget_line(one, WIDTH, world.now),
        objective.state_sentence(one),
        *objective.pair_lines(one, WIDTH, world.now),
        "",
        *objective.window_lines(one),
    ]
