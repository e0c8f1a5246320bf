"""Reading the PromQL of a spec: which of the three countable shapes a query has.

OpenSLO queries have no place for the window, so a query is one of: a bare counter selector that we wrap
ourselves; an expression with `$window`; an expression with one fixed range, which can only be integrated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from promql_parser import Expr, MatchOp

WINDOW = "$window"
_PROBE_S = 311
"""Stands for `$window` while a query is parsed: no query is written with this range on purpose."""


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
        return f"{self.name}{self.op.value}{quoted(self.value)}"


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric and its matchers, in the order of their names."""

    metric: str
    matchers: tuple[Matcher, ...]

    def __str__(self) -> str:
        return self.metric + "{" + ",".join(map(str, self.matchers)) + "}"

    def having(self, name: str, value: str) -> Selector:
        """This selector with one more equality; a matcher on the same label gives way to it."""
        others = (matcher for matcher in self.matchers if matcher.name != name)
        return Selector(self.metric, tuple(sorted([*others, Matcher(name, Op.EQUAL, value)])))

    def without(self, name: str) -> Selector:
        return Selector(self.metric, tuple(matcher for matcher in self.matchers if matcher.name != name))

    def equals(self, name: str) -> str | None:
        """The value that label `name` must have, if one is asked for."""
        return next((m.value for m in self.matchers if m.name == name and m.op is Op.EQUAL), None)


class Scale(Enum):
    """What an expression counts: events, or events per second."""

    EVENTS = "events"
    PER_SECOND = "per second"


@dataclass(frozen=True, slots=True)
class Counter:
    """A counter; we write the sum and the increase."""

    selector: Selector


@dataclass(frozen=True, slots=True)
class Expression:
    """An expression of the user. With `range_s` the range is fixed and the query only approximate,
    without it the text holds `$window`. `newest` is a selector by which its freshness is told."""

    text: str
    scale: Scale
    newest: Selector | None
    range_s: int | None = None


Query = Counter | Expression


class BadQuery(ValueError):
    """A query that cannot be counted over a window."""

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(f"found {found}, expected {expected}")
        self.found = found
        self.expected = expected


_SHAPES = (
    "a bare counter selector with `counter: true`, an expression whose ranges are [$window],"
    " or one with a single fixed range like [5m]"
)


def read_query(text: str, counter: Literal["counter", "not a counter"], group_by: str | None = None) -> Query:
    """The shape of a query. Raises `BadQuery`; `group_by` is a label that its result must keep."""
    tree = _parse(text.replace(WINDOW, f"{_PROBE_S}s"))
    if (selector := _bare(tree)) is not None:
        return _counter(selector, counter)
    ranges = _ranges(tree)
    if not ranges:
        raise BadQuery("an expression without a range", _SHAPES)
    _check_counts(tree)
    scale = _scale(tree)
    if group_by is not None:
        _check_keeps(tree, group_by)
    newest = next((found for node in _nodes(tree) if (found := _bare(node))), None)
    if WINDOW in text:
        if ranges != {_PROBE_S}:
            raise BadQuery("$window beside a fixed range", "$window in every range")
        return Expression(text, scale, newest)
    if len(ranges) > 1:
        raise BadQuery("several different ranges", _SHAPES)
    return Expression(text, scale, newest, ranges.pop())


def _counter(selector: Selector, counter: Literal["counter", "not a counter"]) -> Counter:
    if counter != "counter":
        raise BadQuery("a bare selector that is not declared a counter", _SHAPES)
    return Counter(selector)


def _parse(text: str) -> Expr:
    import promql_parser

    try:
        return promql_parser.parse(text)
    except ValueError as error:
        raise BadQuery(f"broken PromQL ({error})", "PromQL that parses") from None


def _nodes(tree: Expr) -> Iterator[Expr]:
    import promql_parser

    found: list[Expr] = []
    promql_parser.walk(tree, found.append)
    return iter(found)


def _bare(node: Expr) -> Selector | None:
    """The selector, if the node is one of this instant without `or` between its matchers."""
    import promql_parser

    if not isinstance(node, promql_parser.VectorSelector):
        return None
    if node.offset is not None or node.at is not None or node.matchers.or_matchers:
        return None
    matchers = sorted(Matcher(m.name, _op(m.op), m.value) for m in node.matchers.matchers)
    return Selector(node.name or "", tuple(matchers))


def _op(op: MatchOp) -> Op:
    import promql_parser

    if op == promql_parser.MatchOp.Equal:
        return Op.EQUAL
    if op == promql_parser.MatchOp.NotEqual:
        return Op.NOT_EQUAL
    return Op.REGEX if op == promql_parser.MatchOp.Re else Op.NOT_REGEX


def _ranges(tree: Expr) -> set[int]:
    import promql_parser

    return {
        round(node.range.total_seconds())
        for node in _nodes(tree)
        if isinstance(node, promql_parser.MatrixSelector | promql_parser.SubqueryExpr) and node.range
    }


_PER_SECOND = {"rate", "irate", "deriv"}


def _scale(tree: Expr) -> Scale:
    import promql_parser

    names = {node.func.name for node in _nodes(tree) if isinstance(node, promql_parser.Call)}
    if not names & _PER_SECOND:
        return Scale.EVENTS
    if names & {"increase", "delta", "idelta"}:
        raise BadQuery("rate and increase in one expression", "one of them throughout")
    return Scale.PER_SECOND


def _check_counts(tree: Expr) -> None:
    """A ratio cannot be summed over windows; numerator and denominator must come apart."""
    import promql_parser

    for node in _nodes(tree):
        if not isinstance(node, promql_parser.BinaryExpr) or str(node.op) != "/":
            continue
        if _ranges(node.lhs) and _ranges(node.rhs):
            raise BadQuery("a ratio of two counts", "one count; good or bad, and total, stand apart")


def _check_keeps(tree: Expr, label: str) -> None:
    import promql_parser

    if not isinstance(tree, promql_parser.AggregateExpr):
        return
    modifier = tree.modifier
    by = modifier is not None and modifier.type == promql_parser.AggModifierType.By
    named = modifier is not None and label in modifier.labels
    if named if by else (modifier is not None and not named):
        return
    raise BadQuery(f"a result without the label {label!r}", f"`by ({label})`, to be read per {label}")


def quoted(value: str) -> str:
    """`value` as a PromQL string: backslash, quote and control characters escaped."""
    plain = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{_CONTROL.sub(lambda found: f"\\x{ord(found.group()):02x}", plain)}"'


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SPECIAL = re.compile(r"[\\.+*?()|\[\]{}^$]")


def literal(value: str) -> str:
    """`value` as a regular expression (RE2) that matches it alone."""
    return _SPECIAL.sub(lambda found: "\\" + found.group(), value)


def le_spellings(value: float) -> tuple[str, ...]:
    """How exporters write one bucket bound: 1, 1.0, 1e+06. Prometheus 3 writes all of them as 1.0."""
    if value == float("inf"):
        return ("+Inf",)
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
