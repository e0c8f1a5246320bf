"""Several curves in one plot, told apart without colour: by a label where each ends, in ASCII by marks too.
Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from console.view.plot import BRAILLE_BASE, Axis, Charset, plot, with_scale

STEPS = (1.0, 1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0)


@dataclass(frozen=True, slots=True)
class Curve:
    """`mark` draws it where there is no braille."""

    label: str
    mark: str
    values: Sequence[float | None]


@dataclass(frozen=True, slots=True)
class Chart:
    """`labels_at` is the column from which on labels stand."""

    lines: list[str]
    labels_at: int


def chart(curves: Sequence[Curve], width: int, height: int, charset: Charset, least: float = 1.0) -> Chart:
    """`height` lines of at most `width` characters: a scale from 0, all curves over each other, and their
    labels at the right. `least` is the smallest top of the scale."""
    top = nice(max([least, *(one for curve in curves for one in curve.values if one is not None)]))
    labels = _labels(curves, height, Axis(0.0, top), charset)
    tail = max((len(one) for one in labels), default=0) + 1
    scale = (f"{top:g}", f"{top / 2:g}", "0") if height > 2 else (f"{top:g}", "0")
    room = max(1, width - max(map(len, scale)) - 1 - tail)
    drawn = [_drawn(one, room, height, Axis(0.0, top), charset) for one in curves]
    lines = [_over(list(parts)) for parts in zip(*drawn, strict=True)] if drawn else [" " * room] * height
    scaled = with_scale(lines, scale)
    named = [f"{line} {label}".rstrip() for line, label in zip(scaled, labels, strict=True)]
    return Chart(named, len(scaled[0]) + 1 if scaled else 0)


def nice(value: float) -> float:
    """The least round number that is not below `value`."""
    size = 1.0
    while size < value / 10:
        size *= 10
    while size > value:
        size /= 10
    return next(step * size for step in (*STEPS, 100.0) if step * size >= value)


def peaks(values: Sequence[float | None], columns: int) -> list[float | None]:
    """At most `columns` values, the highest of each share: one slow second must not fall through."""
    size = len(values)
    if size <= columns:
        return list(values)
    found: list[float | None] = []
    for column in range(columns):
        part = values[column * size // columns : (column + 1) * size // columns]
        found.append(max((one for one in part if one is not None), default=None))
    return found


def _drawn(curve: Curve, width: int, height: int, axis: Axis, charset: Charset) -> list[str]:
    if charset is Charset.BRAILLE:
        return plot(peaks(curve.values, width * 2), width, height, axis, charset)
    lines = plot(peaks(curve.values, width), width, height, axis, Charset.ASCII)
    return ["".join(" " if one == " " else curve.mark for one in line) for line in lines]


def _over(lines: Sequence[str]) -> str:
    """Braille dots are joined; of marks the last curve's stays on top."""
    return "".join(_cell(cells) for cells in zip(*lines, strict=True))


def _cell(cells: Sequence[str]) -> str:
    drawn = [one for one in cells if one != " "]
    if not drawn or ord(drawn[0]) < BRAILLE_BASE:
        return drawn[-1] if drawn else " "
    dots = 0
    for one in drawn:
        dots |= ord(one) - BRAILLE_BASE
    return chr(BRAILLE_BASE + dots)


def _labels(curves: Sequence[Curve], height: int, axis: Axis, charset: Charset) -> list[str]:
    """A label a row, the highest above: beside where its curve ends, or as near as the others let it."""
    ends = [(value, one) for one in reversed(curves) if (value := _end(one)) is not None]
    ends = sorted(ends, key=lambda each: -each[0])[:height]
    placed, last = [""] * height, -1
    for left, (value, one) in zip(range(len(ends), 0, -1), ends, strict=True):
        row = round((1 - axis.share(value)) * (height - 1))
        last = min(max(row, last + 1), height - left)
        placed[last] = one.label if charset is Charset.BRAILLE else f"{one.mark} {one.label}"
    return placed


def _end(curve: Curve) -> float | None:
    return next((one for one in reversed(curve.values) if one is not None), None)
