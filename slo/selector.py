"""What PromQL is written with: selectors, and names, texts, bounds and ranges as they must be spelled."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from math import isfinite

METRIC_NAME = "__name__"


class Op(StrEnum):
    EQUAL = "="
    NOT_EQUAL = "!="
    REGEX = "=~"
    NOT_REGEX = "!~"


@dataclass(frozen=True, slots=True, order=True)
class Matcher:
    name: str
    op: Op
    value: str

    def __str__(self) -> str:
        return f"{label_name(self.name)}{self.op.value}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric and its matchers, in the order of their names. The metric may be any text, as the names of
    OpenTelemetry with their dots are."""

    metric: str
    matchers: tuple[Matcher, ...]

    def __str__(self) -> str:
        if _METRIC.fullmatch(self.metric):
            return self.metric + "{" + ",".join(map(str, self.matchers)) + "}"
        named = Matcher(METRIC_NAME, Op.EQUAL, self.metric)
        return "{" + ",".join(map(str, (named, *self.matchers))) + "}"

    def having(self, name: str, value: str) -> Selector:
        """This selector with one more equality; a matcher on the same label gives way to it."""
        others = (matcher for matcher in self.matchers if matcher.name != name)
        return Selector(self.metric, tuple(sorted([*others, Matcher(name, Op.EQUAL, value)])))

    def without(self, name: str) -> Selector:
        return Selector(self.metric, tuple(matcher for matcher in self.matchers if matcher.name != name))

    def equals(self, name: str) -> str | None:
        """The value that label `name` must have, if one is asked for."""
        return next((m.value for m in self.matchers if m.name == name and m.op is Op.EQUAL), None)


def quoted(value: str) -> str:
    """`value` as a PromQL string: backslash, quote and control characters escaped."""
    plain = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{_CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", plain)}"'


def label_name(name: str) -> str:
    """A label as it is written in a matcher or behind `by`: quoted where it is no plain word."""
    return name if is_label(name) else quoted(name)


def is_label(name: str) -> bool:
    """Whether every Prometheus takes `name` for a label as it is."""
    return _LABEL.fullmatch(name) is not None


_METRIC = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def literal(value: str) -> str:
    """`value` as a regular expression (RE2) that matches it alone."""
    return _SPECIAL.sub(lambda found: "\\" + found.group(), value)


def le_spellings(value: float) -> tuple[str, ...]:
    """How exporters write one bucket bound: 1, 1.0, 1e+06. Prometheus 3 writes all of them as 1.0."""
    if not isfinite(value):
        return ("+Inf",) if value > 0 else (f"{value}",)
    found = {f"{value:g}" if float(f"{value:g}") == value else repr(value), repr(value)}
    if value == int(value) and abs(value) < 1e15:
        found |= {str(int(value)), f"{int(value)}.0"}
    return tuple(sorted(found))


def duration(seconds: float) -> str:
    """A PromQL range to the millisecond, in one unit where that says it all: `1h`, `437s`, `300s1ms`."""
    whole, thousandths = divmod(round(seconds * 1000), 1000)
    if thousandths:
        return f"{whole}s{thousandths}ms" if whole else f"{thousandths}ms"
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if whole % length == 0:
            return f"{whole // length}{unit}"
    return f"{whole}s"
