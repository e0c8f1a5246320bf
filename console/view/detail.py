"""The screen of one objective, laid out for a size: what stands beside, below, or behind a tab."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import zip_longest

from console.view import objective
from console.view.columns import NARROW
from console.view.overview import backfilled, when
from console.view.plot import Charset
from console.view.world import Causes, World
from slo.reasons import Cause
from slo.snapshot import ObjectiveReading

BESIDE = 44  # columns of the reasons beside the plot
LEAST_PLOT = 8  # rows below which a plot says nothing
AROUND = 5  # rows of the head, the title and the keys
TOP = 2  # lines above the table of pairs


class Tab(StrEnum):
    PLOT = "plot"
    REASONS = "reasons"


@dataclass(frozen=True, slots=True)
class View:
    """How the operator wants to see it. `split` is a label, or None for what bad events share; `left_out`
    names pairs by their long window."""

    width: int
    height: int
    charset: Charset = Charset.BRAILLE
    tab: Tab = Tab.PLOT
    cursor: int = 0
    split: str | None = None
    left_out: tuple[str, ...] = ()

    @property
    def is_wide(self) -> bool:
        """Plot and reasons stand side by side; else each has a tab."""
        return self.width >= NARROW


@dataclass(frozen=True, slots=True)
class Detail:
    """The lines below the title; those of the pairs stand from `pairs_at` on, below their header. `divider`
    is the column of the `|` between plot and reasons, None where they are tabs."""

    lines: tuple[str, ...]
    pairs_at: int
    divider: int | None = None


def detail(
    one: ObjectiveReading,
    world: World,
    past: Sequence[float | None],
    causes: Causes | None,
    view: View,
) -> Detail:
    """Everything that fits into the height of `view`, and no line longer than its width."""
    pairs = objective.pair_lines(one, view.width, world.now, view.left_out)
    marked = [f"{'>' if row - 1 == view.cursor else ' '}{line}" for row, line in enumerate(pairs)]
    above = [
        " " + objective.budget_line(one, view.width, world.now),
        f" {'was: ' if world.stale else ''}{objective.state_sentence(one)}",
        *marked,
        "" if view.is_wide else _tabs(view),
    ]
    counts = objective.window_lines(one)
    room = view.height - AROUND - len(above)
    below = [""] + [f" {line}" for line in counts]
    if room - len(below) < LEAST_PLOT + 2:
        below = []
    block = _block(one, world, past, causes, view, room - len(below))
    lines = [*above, *(f" {line}" for line in block), *below]
    divider = 2 + _left(view) if view.is_wide else None
    return Detail(tuple(line[: view.width - 1].rstrip() for line in lines), TOP + 1, divider)


def _left(view: View) -> int:
    """Columns of the plot where the reasons stand beside it."""
    return view.width - 2 - BESIDE - 3


def _tabs(view: View) -> str:
    named = [f"[{tab.upper()}]" if tab is view.tab else f" {tab} " for tab in Tab]
    return f" {' '.join(named)}   tab: the other"


def _block(
    one: ObjectiveReading,
    world: World,
    past: Sequence[float | None],
    causes: Causes | None,
    view: View,
    rows: int,
) -> list[str]:
    """`rows` lines: the plot and the reasons, beside each other or the one whose tab is chosen."""
    if not view.is_wide:
        inside = view.width - 2
        lines = (
            _plot(one, world, past, view, inside, rows)
            if view.tab is Tab.PLOT
            else reasons(causes, inside, view.split)
        )
        return (lines + [""] * rows)[:rows]
    left = _left(view)
    both = zip_longest(
        _plot(one, world, past, view, left, rows), reasons(causes, BESIDE, view.split), fillvalue=""
    )
    return [f"{plot:<{left}.{left}} | {reason}" for plot, reason in both][:rows]


def _plot(
    one: ObjectiveReading, world: World, past: Sequence[float | None], view: View, width: int, rows: int
) -> list[str]:
    lines = objective.burn_down_lines(
        one,
        past,
        world.now,
        width=width,
        height=max(rows, LEAST_PLOT),
        charset=view.charset,
        left_out=view.left_out,
        moment=f"{when(world.now, world)}Z" if world.replay else "now",
    )
    if told := backfilled(world):
        lines[0] += f"; {told}"
    return lines


def reasons(causes: Causes | None, width: int, split: str | None) -> list[str]:
    """What bad events share, or how they split by a label, and which labels there are to split by."""
    if causes is None:
        return objective.cause_lines(None)
    chosen: Sequence[Cause] = causes.split.get(split, ()) if split else causes.shared
    lines = objective.cause_lines(chosen, min(width, 70), split)
    if causes.split:
        every = ["shared", *causes.split]
        now = split or "shared"
        lines += ["", "  s: " + " ".join(f"[{name}]" if name == now else name for name in every)]
    return lines


def next_split(causes: Causes | None, split: str | None) -> str | None:
    """The label after `split`, of those that the bad events have; after the last comes what they share."""
    labels = [None, *(causes.split if causes else ())]
    return labels[(labels.index(split) + 1) % len(labels)] if split in labels else None
