"""Lengths of time, as Prometheus and people write them. Seconds inside, text at the edges."""

from __future__ import annotations

import re
from functools import cache

UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_WHOLE = re.compile(r"(?:\d+w)?(?:\d+d)?(?:\d+h)?(?:\d+m)?(?:\d+s)?")
_PART = re.compile(r"(\d+)([wdhms])")


@cache
def parse(text: str) -> int:
    """Seconds of `30d`, `4w2d`, `720h`, `1h30m`. Raises `ValueError` for anything else, and for 0."""
    if not text or not _WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a length of time")
    seconds = sum(int(count) * UNITS_S[unit] for count, unit in _PART.findall(text))
    if seconds == 0:
        raise ValueError("a length of time must be longer than 0")
    return seconds


def name(seconds: int) -> str:
    """The shortest single-unit name: 3600 -> `1h`, 86400 -> `1d`, 5400 -> `90m`. Weeks stay days."""
    for unit in ("d", "h", "m"):
        if seconds % UNITS_S[unit] == 0:
            return f"{seconds // UNITS_S[unit]}{unit}"
    return f"{seconds}s"


def spell(seconds: float) -> str:
    """For people, in at most two units, rounded down: `4h 10m`, `2d 3h`, `45s`, `now` for nothing."""
    left = int(seconds)
    parts = []
    for unit in ("d", "h", "m", "s"):
        count, left = divmod(left, UNITS_S[unit])
        if count:
            parts.append(f"{count}{unit}")
        elif parts:
            break
    return " ".join(parts[:2]) if parts else "now"
