"""Reading the PromQL of a spec: which of the three countable shapes a query has.

OpenSLO queries have no place for the window, so a query is one of: a bare counter selector that we wrap
ourselves; an expression with `$window`; an expression with one fixed range, which can only be integrated.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum
from typing import TYPE_CHECKING, Literal

from slo.selector import METRIC_NAME, Matcher, Op, Selector

if TYPE_CHECKING:
    from promql_parser import Expr, MatchOp

WINDOW = "$window"
_PROBE_S = 311
"""Stands for `$window` while a query is parsed: no query is written with this range on purpose."""

MAX_BYTES = 8 * 1024
"""It must fit, wrapped, into one question of a tick (`plan.MAX_QUERY_BYTES`)."""

MAX_DEPTH = 50
MAX_OPERATORS = 250
"""The parser builds its tree by recursion, one level for each bracket and operator, and its process dies
with it when that goes too deep: what could is refused before it is parsed."""

MAX_RANGE = timedelta(days=90)
"""As long as the longest period. Prometheus itself refuses ranges from 292 years on."""


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
    text = _bounded(text)
    nodes = _nodes(_parse(text.replace(WINDOW, f"{_PROBE_S}s")))
    _check_now(nodes)
    if (selector := _bare(nodes[0].expr)) is not None:
        return _counter(selector, counter)
    ranges = _ranges(nodes)
    if not ranges:
        raise BadQuery("an expression without a range", _SHAPES)
    _check_vector(nodes[0].expr)
    _check_counts(nodes)
    scale = _scale(nodes)
    if group_by is not None:
        _check_keeps(nodes[0].expr, group_by)
    newest = next((found for node in nodes if (found := _bare(node.expr))), None)
    return Expression(text, scale, newest, _fixed_range(text, ranges))


def broken(text: str) -> str:
    """Why a query of any shape is no PromQL; empty for one that is."""
    try:
        _parse(_bounded(text))
    except BadQuery as error:
        return error.found
    return ""


def _fixed_range(text: str, ranges: set[int]) -> int | None:
    """The one range of an expression in seconds; None where all of them are `$window`."""
    if WINDOW in text:
        if ranges != {_PROBE_S}:
            raise BadQuery("$window beside a fixed range", "$window in every range")
        return None
    if len(ranges) > 1:
        raise BadQuery("several different ranges", _SHAPES)
    return next(iter(ranges))


def _counter(selector: Selector, counter: Literal["counter", "not a counter"]) -> Counter:
    if counter != "counter":
        raise BadQuery("a bare selector that is not declared a counter", _SHAPES)
    if not selector.metric:  # the increases of several metrics at once have no labels to be told apart by
        raise BadQuery("a selector without the name of a metric", "the name of one counter")
    for bound in (m.value for m in selector.matchers if m.name == "le" and m.op is Op.EQUAL):
        if not _BOUND.fullmatch(bound):
            raise BadQuery("a bucket bound `le` that is no number", 'a finite number or +Inf, like le="0.5"')
    return Counter(selector)


_BOUND = re.compile(r"[-+]?(?:[0-9]{1,40}(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][-+]?[0-9]{1,2})?|\+?Inf")
_TOKEN = re.compile(
    r"""(?P<comment>\#[^\n]*)
    | (?P<text>"(?:\\.|[^"\\])*+" | '(?:\\.|[^'\\])*+' | `[^`]*+`)
    | (?P<opened>[(\[{])
    | (?P<closed>[)\]}])
    | (?P<operator>[-+*/%^] | [=!<>]+ | \b(?:and|or|unless|atan2)\b)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)


def _bounded(text: str) -> str:
    """`text` without its comments, which would swallow what we write behind it; refused when it is too long
    or too deep for the parser."""
    if len(text.encode("utf-8", "replace")) > MAX_BYTES:
        raise BadQuery(f"a query of more than {MAX_BYTES} bytes", "a shorter one, or a recorded series")
    depth = operators = 0
    for token in _TOKEN.finditer(text):
        match token.lastgroup:
            case "opened":
                depth += 1
            case "closed":
                depth -= 1
            case "operator":
                operators += 1
        if depth > MAX_DEPTH:
            raise BadQuery("a query that is nested too deep", f"at most {MAX_DEPTH} brackets in one another")
        if operators > MAX_OPERATORS:
            raise BadQuery("a query of too many operators", f"at most {MAX_OPERATORS}")
    return _TOKEN.sub(lambda token: " " if token.lastgroup == "comment" else token[0], text).strip()


def _parse(text: str) -> Expr:
    import promql_parser

    try:
        return promql_parser.parse(text)
    except ValueError as error:
        raise BadQuery(f"broken PromQL ({error})", "PromQL that parses") from None


@dataclass(frozen=True, slots=True)
class _Node:
    """A node of the syntax tree, with the ranges (in seconds) that stand anywhere below it."""

    expr: Expr
    ranges: frozenset[int]


def _nodes(tree: Expr) -> list[_Node]:
    """The whole tree, each node before those below it; collected once, for `promql_parser.walk` takes a time
    that grows with the square of the depth."""
    below: dict[int, list[int]] = {}
    found: list[Expr] = []
    waiting: list[tuple[Expr, int]] = [(tree, -1)]
    while waiting:
        expr, parent = waiting.pop()
        below.setdefault(parent, []).append(len(found))
        waiting += [(child, len(found)) for child in reversed(_children(expr))]
        found.append(expr)
    ranges: dict[int, frozenset[int]] = {}
    for index in reversed(range(len(found))):
        own = _own_range(found[index])
        ranges[index] = own.union(*(ranges[child] for child in below.get(index, ())))
    return [_Node(expr, ranges[index]) for index, expr in enumerate(found)]


def _children(expr: Expr) -> list[Expr]:
    import promql_parser as promql

    match expr:
        case promql.BinaryExpr():
            return [expr.lhs, expr.rhs]
        case promql.UnaryExpr() | promql.ParenExpr() | promql.SubqueryExpr():
            return [expr.expr]
        case promql.AggregateExpr():
            return [expr.expr, expr.param] if isinstance(expr.param, promql.Expr) else [expr.expr]
        case promql.Call():
            return list(expr.args)
        case promql.MatrixSelector():
            return [expr.vector_selector]
        case _:
            return []


def _own_range(expr: Expr) -> frozenset[int]:
    import promql_parser as promql

    if not isinstance(expr, promql.MatrixSelector | promql.SubqueryExpr) or expr.range is None:
        return frozenset()
    if expr.range.microseconds or not timedelta(seconds=1) <= expr.range <= MAX_RANGE:
        found = f"a range of {expr.range.total_seconds():g} s"
        raise BadQuery(found, f"ranges of whole seconds, from 1s to {MAX_RANGE.days}d")
    return frozenset({round(expr.range.total_seconds())})


def _check_now(nodes: list[_Node]) -> None:
    """What is counted must be of the window that it is shown for: neither shifted nor pinned."""
    import promql_parser as promql

    for node in nodes:
        if not isinstance(node.expr, promql.VectorSelector | promql.SubqueryExpr):
            continue
        if node.expr.offset is not None:
            raise BadQuery("an offset", "counts of the window itself; late samples have `stale_after`")
        if node.expr.at is not None:
            raise BadQuery("a time (@)", "counts of the window that ends now")


def _check_vector(tree: Expr) -> None:
    """Each answer is a series with labels; a range, a scalar or a text has no place in a packed question."""
    import promql_parser as promql

    kind = _type(tree)
    if kind == promql.ValueType.Matrix:
        raise BadQuery("a range of samples", "what is counted of it, like sum(increase(x[$window]))")
    if kind != promql.ValueType.Vector:
        raise BadQuery("a number without labels", "a vector, like sum(increase(x[$window]))")


def _type(expr: Expr) -> object:
    import promql_parser as promql

    match expr:
        case promql.ParenExpr() | promql.UnaryExpr():
            return _type(expr.expr)
        case promql.BinaryExpr():
            scalars = [_type(side) == promql.ValueType.Scalar for side in (expr.lhs, expr.rhs)]
            return promql.ValueType.Scalar if all(scalars) else promql.ValueType.Vector
        case promql.Call():
            return expr.func.return_type
        case promql.NumberLiteral():
            return promql.ValueType.Scalar
        case promql.StringLiteral():
            return promql.ValueType.String
        case promql.MatrixSelector() | promql.SubqueryExpr():
            return promql.ValueType.Matrix
        case _:
            return promql.ValueType.Vector


def _bare(node: Expr) -> Selector | None:
    """The selector, if the node is one without `or` between its matchers."""
    import promql_parser

    if not isinstance(node, promql_parser.VectorSelector) or node.matchers.or_matchers:
        return None
    matchers = sorted(Matcher(m.name, _op(m.op), m.value) for m in node.matchers.matchers)
    named = [one for one in matchers if one.name == METRIC_NAME and one.op is Op.EQUAL]
    metric = node.name or (named[0].value if len(named) == 1 else "")
    return Selector(metric, tuple(one for one in matchers if not metric or one not in named))


def _op(op: MatchOp) -> Op:
    import promql_parser

    if op == promql_parser.MatchOp.Equal:
        return Op.EQUAL
    if op == promql_parser.MatchOp.NotEqual:
        return Op.NOT_EQUAL
    return Op.REGEX if op == promql_parser.MatchOp.Re else Op.NOT_REGEX


def _ranges(nodes: list[_Node]) -> set[int]:
    return set(nodes[0].ranges)


_PER_SECOND = {"rate", "irate", "deriv"}


def _scale(nodes: list[_Node]) -> Scale:
    import promql_parser

    names = {node.expr.func.name for node in nodes if isinstance(node.expr, promql_parser.Call)}
    if not names & _PER_SECOND:
        return Scale.EVENTS
    if names & {"increase", "delta", "idelta"}:
        raise BadQuery("rate and increase in one expression", "one of them throughout")
    return Scale.PER_SECOND


def _check_counts(nodes: list[_Node]) -> None:
    """A ratio cannot be summed over windows; numerator and denominator must come apart."""
    import promql_parser

    counted = {id(node.expr) for node in nodes if node.ranges}
    for node in nodes:
        if not isinstance(node.expr, promql_parser.BinaryExpr) or str(node.expr.op) != "/":
            continue
        if id(node.expr.lhs) in counted and id(node.expr.rhs) in counted:
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


__all__ = [
    "WINDOW",
    "BadQuery",
    "Counter",
    "Expression",
    "Matcher",
    "Op",
    "Query",
    "Scale",
    "Selector",
    "broken",
    "read_query",
]
