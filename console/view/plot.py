"""A line plot as text: a pure function from series to lines, in braille, block or ASCII."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

BRAILLE_BASE = 0x2800
BRAILLE_DOTS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))  # [row][column] of one cell
BLOCKS = " ▁▂▃▄▅▆▇█"


class Charset(StrEnum):
    BRAILLE = "braille"
    BLOCK = "block"
    ASCII = "ascii"


@dataclass(frozen=True, slots=True)
class Axis:
    """The value range drawn; values outside are drawn at the edge."""

    low: float
    high: float

    def share(self, value: float) -> float:
        """0 at `low`, 1 at `high`, never outside."""
        if self.high <= self.low:
            return 0.0
        return max(0.0, min(1.0, (value - self.low) / (self.high - self.low)))


def plot(
    series: Sequence[float | None],
    width: int,
    height: int,
    axis: Axis,
    charset: Charset = Charset.BRAILLE,
    projected_from: float = 1.0,
) -> list[str]:
    """`height` lines of `width` characters showing `series` from left to right.

    A None is a gap. Right of the share `projected_from` (0..1) of the width the line is dotted:
    that part is a forecast, not a measurement.
    """
    if width <= 0 or height <= 0:
        return []
    match charset:
        case Charset.BRAILLE:
            return _braille(series, width, height, axis, projected_from)
        case Charset.BLOCK:
            return _block(series, width, height, axis)
        case Charset.ASCII:
            return _ascii(series, width, height, axis, projected_from)


def resample(series: Sequence[float | None], columns: int) -> list[float | None]:
    """`columns` values: the last known value in each share of the series, None where there is none.

    A short series is stretched, a long one thinned; the newest value always shows at the right.
    """
    size = len(series)
    if size == 0:
        return [None] * columns
    picked: list[float | None] = []
    for column in range(columns):
        start = column * size // columns
        end = max(start + 1, (column + 1) * size // columns)
        known = [value for value in series[start:end] if value is not None]
        picked.append(known[-1] if known else None)
    return picked


def _braille(
    series: Sequence[float | None], width: int, height: int, axis: Axis, projected_from: float
) -> list[str]:
    cells = [[0] * width for _ in range(height)]
    rows, columns = height * 4, width * 2
    previous: int | None = None
    for x, value in enumerate(resample(series, columns)):
        if value is None:
            previous = None
            continue
        y = round((1 - axis.share(value)) * (rows - 1))
        dotted = x >= projected_from * columns
        if not dotted or x % 4 == 0:
            for step in _between(previous if not dotted else None, y):
                cells[step // 4][x // 2] |= BRAILLE_DOTS[step % 4][x % 2]
        previous = y
    return ["".join(chr(BRAILLE_BASE + cell) if cell else " " for cell in row) for row in cells]


def _between(previous: int | None, y: int) -> range:
    """The rows to fill so that a steep line has no holes."""
    if previous is None or previous == y:
        return range(y, y + 1)
    return range(previous + 1, y + 1) if previous < y else range(y, previous)


def _block(series: Sequence[float | None], width: int, height: int, axis: Axis) -> list[str]:
    eighths = [
        None if value is None else round(axis.share(value) * height * 8) for value in resample(series, width)
    ]
    lines = []
    for row in range(height - 1, -1, -1):
        cells = [
            "?" if one is None and row == 0 else BLOCKS[max(0, min(8, (one or 0) - row * 8))]
            for one in eighths
        ]
        lines.append("".join(cells))
    return lines


def _ascii(
    series: Sequence[float | None], width: int, height: int, axis: Axis, projected_from: float
) -> list[str]:
    grid = [[" "] * width for _ in range(height)]
    steps = height * 3
    for x, value in enumerate(resample(series, width)):
        if value is None:
            continue
        level = round((1 - axis.share(value)) * (steps - 1))
        measured = x < projected_from * width
        if measured or x % 2 == 0:
            grid[level // 3][x] = "'-_"[level % 3] if measured else "."
    return ["".join(row) for row in grid]


def with_scale(lines: Sequence[str], labels: Sequence[str]) -> list[str]:
    """`lines` behind a scale: the labels spread from top to bottom."""
    margin = max((len(label) for label in labels), default=0)
    at = {
        round(index * (len(lines) - 1) / max(1, len(labels) - 1)): label for index, label in enumerate(labels)
    }
    return [f"{at.get(row, ''):>{margin}}|{line}" for row, line in enumerate(lines)]
