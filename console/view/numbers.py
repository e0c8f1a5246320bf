"""Numbers the way an operator reads them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from keelwatch.workspace.reading import Reading, Unknown, Value

DASH = "--"
MINUTE, HOUR, DAY = 60, 3600, 86400


def burn(reading: Reading | None) -> str:
    """`16.9x`; a burn of 100 or more loses its decimals; `?` when unknown."""
    match reading:
        case None:
            return DASH
        case Unknown():
            return "?"
        case Value(value=value):
            return f"{value:.1f}x" if abs(value) < 100 else f"{value:.0f}x"


def percent(ratio: float, digits: int = 1) -> str:
    return f"{ratio * 100:.{digits}f}%"


def budget(reading: Reading) -> str:
    match reading:
        case Unknown():
            return "?"
        case Value(value=value):
            return percent(value)


def bar(ratio: float, width: int = 10) -> str:
    """`####......`: the view is clamped to 0..1, the number beside it is not."""
    filled = round(max(0.0, min(1.0, ratio)) * width)
    if ratio > 0 and filled == 0:
        filled = 1
    return "#" * filled + "." * (width - filled)


def length(seconds: float) -> str:
    """`47s`, `25m`, `1h55m`, `3d06h`: two units at most, rounded down."""
    whole = int(max(0.0, seconds))
    if whole < MINUTE:
        return f"{whole}s"
    if whole < HOUR:
        minutes, rest = divmod(whole, MINUTE)
        return f"{minutes}m{rest:02}s" if minutes < 10 and rest else f"{minutes}m"
    if whole < DAY:
        hours, rest = divmod(whole, HOUR)
        return f"{hours}h{rest // MINUTE:02}m"
    days, rest = divmod(whole, DAY)
    return f"{days}d{rest // HOUR:02}h"


def empty_in(seconds: float | None) -> str:
    match seconds:
        case None:
            return DASH
        case 0 | 0.0:
            return "EMPTY"
        case _:
            return length(seconds)


def clock(at: float) -> str:
    """`03:14:07Z`."""
    return datetime.fromtimestamp(at, UTC).strftime("%H:%M:%SZ")


def local(at: float) -> str:
    """`05:14`, where the operator sits."""
    return datetime.fromtimestamp(at, UTC).astimezone().strftime("%H:%M")


def hour_minute(at: float, now: float) -> str:
    """`02:49`, or with its date when that was not today."""
    moment, today = datetime.fromtimestamp(at, UTC), datetime.fromtimestamp(now, UTC)
    return moment.strftime("%H:%M" if moment.date() == today.date() else "%m-%d %H:%M")


def count(events: float) -> str:
    """`3 412`: thousands apart, decimals only for small fractional counts (rates extrapolate)."""
    if events < 100 and events != round(events):
        return f"{events:.1f}"
    return f"{events:,.0f}".replace(",", " ")


def seconds(reading: Reading | None) -> str:
    """`14ms`, `0.31s`, `12.4s`; `--` when there is no number."""
    match reading:
        case Value(value=value) if value < 0.1:
            return f"{value * 1000:.0f}ms"
        case Value(value=value):
            return f"{value:.2f}s" if value < 10 else f"{value:.1f}s"
        case _:
            return DASH


SPARKS = {"unicode": " ▁▂▃▄▅▆▇█", "ascii": " ._-=^*#@"}


def sparkline(values: list[float | None], top: float, charset: str = "ascii") -> str:
    """One character a value, `top` and above the highest; a missing value is `?`."""
    marks = SPARKS[charset][1:]
    return "".join("?" if value is None else marks[_step(value, top, len(marks))] for value in values)


def spark_levels(top: float, charset: str = "ascii") -> list[tuple[str, float]]:
    """Each mark of a sparkline, lowest first, and the least value that gets it."""
    marks = SPARKS[charset][1:]
    steps = len(marks) - 1
    return [(mark, max(0.0, (step - 0.5) / steps * top)) for step, mark in enumerate(marks)]


def _step(value: float, top: float, steps: int) -> int:
    if top <= 0:
        return 0
    return min(steps - 1, int(max(0.0, value) / top * (steps - 1) + 0.5))


def fit(needed: str, phrases: Sequence[str], room: int) -> str:
    """`needed`, and as many of `phrases`, each of which begins with what parts it from the one before, as
    `room` columns hold. `needed` alone may be cut, which `~` shows."""
    line = needed if len(needed) <= room else f"{needed[: room - 1]}~"
    for phrase in phrases:
        if len(line) + len(phrase) > room:
            break
        line += phrase
    return line
