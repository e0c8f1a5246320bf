"""The JSON of `status`, written and read back: the same document serves scripts and the disk cache.

Durations end in `_s`, ratios are 0..1, unknown is null and its reason stands beside it, by window.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast, get_args

from keelwatch.workspace.errors import UnknownResult
from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.snapshot import (
    Counts,
    Kind,
    ObjectiveReading,
    Outcome,
    PairReading,
    Snapshot,
    State,
    Stratum,
    Trend,
)
from slo.verdict import verdict

SCHEMA = "keelwatch/status/1"

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


def to_json(snapshot: Snapshot) -> dict[str, Json]:
    """The document that `status --json` prints. `from_json` gives the same snapshot back."""
    judged = verdict(snapshot)
    return {
        "schema": SCHEMA,
        "at": snapshot.at,
        "environment": snapshot.environment,
        "verdict": judged.word,
        "counts": {state.value: count for state, count in judged.counts.items()},
        "fresh_s": snapshot.fresh_s,
        "source": snapshot.source,
        "source_error": snapshot.source_error,
        "warnings": list(snapshot.warnings),
        "objectives": [objective_json(reading) for reading in snapshot.objectives],
    }


def objective_json(reading: ObjectiveReading) -> dict[str, Json]:
    """One entry of `objectives` of the document."""
    return {
        "name": reading.name,
        "component": reading.component,
        "region": reading.region,
        "target": reading.target,
        "state": reading.state.value,
        "trend": reading.trend.value,
        "budget_remaining": _number(reading.budget_remaining),
        "burn": {window: _number(burn) for window, burn in reading.burn.items()},
        "empty_in_s": reading.empty_in_s,
        "unknown_reason": reading.unknown_reason,
        "display": reading.display,
        "period_s": reading.period_s,
        "stratum": reading.stratum,
        "kind": reading.kind,
        "approximate": reading.approximate,
        "since": reading.since,
        "sample_age_s": reading.sample_age_s,
        "empty_basis": reading.empty_basis,
        "error_ratio": {window: _number(ratio) for window, ratio in reading.error_ratio.items()},
        "unknown_reasons": {w: burn.reason for w, burn in reading.burn.items() if isinstance(burn, Unknown)},
        "partial": [w for w, burn in reading.burn.items() if isinstance(burn, Value) and burn.partial],
        "counts": {w: {"bad": count.bad, "total": count.total} for w, count in reading.counts.items()},
        "recent_burn": list(reading.recent_burn),
        "pairs": [_pair(pair) for pair in reading.pairs],
    }


def _pair(pair: PairReading) -> dict[str, Json]:
    return {
        "long": pair.long,
        "short": pair.short,
        "factor": pair.factor,
        "severity": pair.severity.value,
        "budget_ratio": pair.budget_ratio,
        "outcome": pair.outcome,
        "since": pair.since,
    }


def _number(reading: Reading) -> float | None:
    return reading.value if isinstance(reading, Value) else None


def from_json(document: object) -> Snapshot:
    """The snapshot behind a document of `to_json`; keys it does not know are left alone.

    Raises `UnknownResult` for anything else.
    """
    try:
        root = _Node(document)
        if root.text("schema") != SCHEMA:
            raise ValueError("another schema")
        return _snapshot(root)
    except (KeyError, TypeError, ValueError) as error:
        raise UnknownResult(f"this is no {SCHEMA} document: {error}") from None


class _Node:
    """A mapping read by expected type; anything else is a `TypeError`."""

    def __init__(self, value: object) -> None:
        if not isinstance(value, dict):
            raise TypeError("a mapping is missing")
        self.items: dict[str, object] = value

    def text(self, key: str) -> str:
        return cast("str", self._typed(key, str))

    def number(self, key: str) -> float:
        value = self._typed(key, (int, float))
        return cast("float", value)

    def maybe_text(self, key: str) -> str | None:
        return None if self.items[key] is None else self.text(key)

    def maybe_number(self, key: str) -> float | None:
        return None if self.items[key] is None else self.number(key)

    def word(self, key: str, choices: tuple[str, ...]) -> str:
        if (text := self.text(key)) not in choices:
            raise ValueError(f"{key} is {text!r}")
        return text

    def texts(self, key: str) -> tuple[str, ...]:
        return tuple(str(one) for one in cast("list[object]", self._typed(key, list)))

    def numbers(self, key: str) -> tuple[float | None, ...]:
        values = cast("list[object]", self._typed(key, list))
        return tuple(float(one) if isinstance(one, int | float) else None for one in values)

    def flag(self, key: str) -> bool:
        """False where the key is missing: a document in a cache may be older than it."""
        if not isinstance(value := self.items.get(key, False), bool):
            raise TypeError(f"{key} is {type(value).__name__}")
        return value

    def nodes(self, key: str) -> list[_Node]:
        return [_Node(one) for one in cast("list[object]", self._typed(key, list))]

    def node(self, key: str) -> _Node:
        return _Node(self.items[key])

    def _typed(self, key: str, kind: type | tuple[type, ...]) -> object:
        value = self.items[key]
        if not isinstance(value, kind) or isinstance(value, bool):
            raise TypeError(f"{key} is {type(value).__name__}")
        return value


def _snapshot(root: _Node) -> Snapshot:
    at, source = root.number("at"), root.text("source")
    return Snapshot(
        at=at,
        environment=root.text("environment"),
        source=source,
        objectives=tuple(_read_objective(node, at, source) for node in root.nodes("objectives")),
        warnings=root.texts("warnings"),
        source_error=root.maybe_text("source_error"),
        fresh_s=root.maybe_number("fresh_s"),
    )


def _read_objective(node: _Node, at: float, source: str) -> ObjectiveReading:
    reasons, partial = node.node("unknown_reasons"), frozenset(node.texts("partial"))

    def readings(key: str) -> dict[str, Reading]:
        inner = node.node(key)
        return {w: _reading(inner.maybe_number(w), reasons, partial, w, at, source) for w in inner.items}

    burn = readings("burn")
    return ObjectiveReading(
        name=node.text("name"),
        component=node.text("component"),
        region=node.maybe_text("region"),
        display=node.text("display"),
        target=node.number("target"),
        period_s=node.number("period_s"),
        state=State(node.text("state")),
        trend=Trend(node.text("trend")),
        budget_remaining=_reading(
            node.maybe_number("budget_remaining"), reasons, partial, "period", at, source
        ),
        burn=burn,
        error_ratio=readings("error_ratio"),
        pairs=tuple(_read_pair(pair, burn) for pair in node.nodes("pairs")),
        empty_in_s=node.maybe_number("empty_in_s"),
        unknown_reason=node.maybe_text("unknown_reason"),
        stratum=cast("Stratum", node.word("stratum", get_args(Stratum))),
        kind=cast("Kind", node.word("kind", get_args(Kind))),
        counts=_read_counts(node.node("counts")),
        since=node.maybe_number("since"),
        sample_age_s=node.maybe_number("sample_age_s"),
        empty_basis=node.text("empty_basis"),
        recent_burn=node.numbers("recent_burn"),
        approximate=node.flag("approximate"),
    )


def _reading(
    number: float | None, reasons: _Node, partial: frozenset[str], window: str, at: float, source: str
) -> Reading:
    if number is None:
        return Unknown(reasons.text(window), at, source)
    return Value(number, at, source, partial=window in partial)


def _read_counts(node: _Node) -> dict[str, Counts]:
    return {
        window: Counts(node.node(window).number("bad"), node.node(window).number("total"))
        for window in node.items
    }


def _read_pair(node: _Node, burn: Mapping[str, Reading]) -> PairReading:
    long, short = node.text("long"), node.text("short")
    return PairReading(
        long=long,
        short=short,
        factor=node.number("factor"),
        severity=State(node.text("severity")),
        budget_ratio=node.number("budget_ratio"),
        long_burn=burn[long],
        short_burn=burn[short],
        outcome=cast("Outcome", node.word("outcome", get_args(Outcome))),
        since=node.maybe_number("since"),
    )
