"""Rules between the keys of an OpenSLO document, which its model cannot state.

They read the plain document, not the model, so that they are told together with what the model finds wrong.
Whatever has the wrong type is passed over here: the model has named it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from keelwatch.workspace.document import Document, Loc, Part, Plain
from keelwatch.workspace.errors import Problem
from keelwatch.workspace.reader import closest, problem
from slo import durations
from slo.promql import BadQuery, Counter, Query, read_query
from slo.selector import is_label
from slo.spec import ANNOTATIONS, GROUP_BY, STRATUM, share_of_percent
from slo.windows import MAX_PERIOD_S, MIN_PERIOD_S, pairs

Indicators = Mapping[str, Document]
"""The `kind: SLI` documents by name."""

INLINE: Loc = ("spec", "indicator", "spec")
SHARED: Loc = ("spec",)
QUERY: Loc = ("metricSource", "spec", "query")


def broken_rules(document: Document, indicators: Indicators) -> list[Problem]:
    """What is wrong with an objective, and with what it demands of the indicator it refers to."""
    if not isinstance(_at(document, "spec"), dict):
        return []
    return [*_unsupported(document), *_annotations(document), *_targets(document), *_of(document, indicators)]


def broken_indicator(document: Document, loc: Loc, group_by: str | None = None) -> Iterator[Problem]:
    """What is wrong with the indicator that stands at `loc`."""
    indicator = _at(document, *loc)
    if not isinstance(indicator, dict):
        return
    given = [key for key in ("ratioMetric", "thresholdMetric") if indicator.get(key) is not None]
    if len(given) != 1:
        expected = "one of ratioMetric, thresholdMetric"
        yield problem(document, loc, found="not exactly one indicator", expected=expected)
    if "ratioMetric" in given:
        yield from _ratio(document, (*loc, "ratioMetric"), group_by)
    if "thresholdMetric" in given:
        yield from _histogram(document, (*loc, "thresholdMetric"), group_by)


def repeated(objectives: Iterable[Document], indicators: Iterable[Document]) -> Iterator[Problem]:
    """Names that one document has taken and another takes again."""
    for what, documents, names_of in (
        ("objective", objectives, objective_names),
        ("indicator", indicators, _own_name),
    ):
        first: dict[str, Document] = {}
        for document in documents:
            for name in names_of(document):
                if name in first:
                    found, expected = f"the {what} {name!r} again", f"a name not in {first[name].file}"
                    yield problem(document, ("metadata", "name"), found=found, expected=expected)
                first.setdefault(name, document)


def objective_names(document: Document) -> list[str]:
    """One for each target: the name of the document, numbered where there are several."""
    many = len(_items(_at(document, "spec", "objectives")))
    return [
        name if many < 2 else f"{name}-{index + 1}"
        for name in _own_name(document)
        for index in range(max(many, 1))
    ]


def _own_name(document: Document) -> list[str]:
    name = text_at(document, "metadata", "name")
    return [] if name is None else [name]


def text_at(document: Document, *loc: Part) -> str | None:
    """The text that stands at `loc`, whatever else the document is."""
    found = _at(document, *loc)
    return found if isinstance(found, str) else None


def _at(document: Document, *loc: Part) -> Plain:
    found = document.data
    for part in loc:
        match found, part:
            case dict(), str():
                found = found.get(part)
            case list(), int() if part < len(found):
                found = found[part]
            case _:
                return None
    return found


def _items(value: Plain) -> list[Plain]:
    return value if isinstance(value, list) else []


def _unsupported(document: Document) -> Iterator[Problem]:
    method = text_at(document, "spec", "budgetingMethod")
    if method in {"Timeslices", "RatioTimeslices"}:
        loc: Loc = ("spec", "budgetingMethod")
        yield problem(document, loc, found=f"{method}, which is not supported yet", expected="Occurrences")
    loc = ("spec", "timeWindow", 0)
    match _at(document, *loc):
        case {"isRolling": False} | {"calendar": dict()}:
            found = "a calendar window, which is not supported yet"
            yield problem(document, loc, found=found, expected="a rolling window")


def _annotations(document: Document) -> Iterator[Problem]:
    loc: Loc = ("metadata", "annotations")
    annotations = _at(document, *loc)
    for key, value in annotations.items() if isinstance(annotations, dict) else ():
        place = (*loc, key)
        if key.startswith("keelwatch.dev/") and key not in ANNOTATIONS:
            found, expected = f"the annotation {key!r}", "one of " + ", ".join(ANNOTATIONS)
            near = closest(key, ANNOTATIONS)
            yield problem(document, place, found=found, expected=expected, did_you_mean=near)
        elif key == STRATUM and isinstance(value, str) and value not in {"real", "probe"}:
            near = closest(value, ("real", "probe"))
            yield problem(document, place, found=repr(value), expected="real or probe", did_you_mean=near)
        elif key == GROUP_BY and isinstance(value, str) and not is_label(value):
            yield problem(document, place, found=repr(value), expected="the name of a label, like region")


def _targets(document: Document) -> Iterator[Problem]:
    for index, one in enumerate(_items(_at(document, "spec", "objectives"))):
        if not isinstance(one, dict):
            continue
        loc: Loc = ("spec", "objectives", index)
        given = [key for key in ("target", "targetPercent") if one.get(key) is not None]
        if len(given) != 1:
            found = "both target and targetPercent" if given else "neither target nor targetPercent"
            yield problem(document, loc, found=found, expected="exactly one of them")
            continue
        value = one[given[0]]
        if isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < 100:
            target = value if given == ["target"] else share_of_percent(value)
            yield from _unreachable(document, (*loc, *given), target)


def _unreachable(document: Document, loc: Loc, target: float) -> Iterator[Problem]:
    """Every window pair must be able to exceed its factor at all."""
    if not 0.0 < target < 1.0:
        return
    beyond = [pair for pair in pairs(_period_s(document)) if not pair.reachable(1.0 - target)]
    if beyond:
        worst = max(beyond, key=lambda pair: pair.factor)
        found = (
            f"a target that the {worst.long}+{worst.short} pair can never alert on: {worst.factor:g}x of"
            f" {1 - target:.3g} is an error ratio of {worst.factor * (1 - target):.3g}"
        )
        yield problem(document, loc, found=found, expected=f"a target above {1 - 1 / worst.factor:.4f}")


def _period_s(document: Document) -> float:
    """0 for none, or for one that the model refuses: no window pair is within it."""
    try:
        period_s = float(durations.parse(text_at(document, "spec", "timeWindow", 0, "duration") or ""))
    except (ValueError, OverflowError):
        return 0.0
    return period_s if MIN_PERIOD_S <= period_s <= MAX_PERIOD_S else 0.0


def _of(document: Document, indicators: Indicators) -> Iterator[Problem]:
    """What is wrong with the indicator of an objective, wherever it stands."""
    inline = _at(document, "spec", "indicator")
    reference = _at(document, "spec", "indicatorRef")
    if (inline is None) == (reference is None):
        found = "not exactly one of indicator and indicatorRef"
        yield problem(document, ("spec",), found=found, expected="one of them")
    group_by = text_at(document, "metadata", "annotations", GROUP_BY)
    if inline is not None:
        yield from broken_indicator(document, INLINE, group_by)
        yield from _thresholds(document, _at(document, *INLINE))
    if isinstance(reference, str):
        yield from _referred(document, reference, indicators, group_by)


def _referred(
    document: Document, reference: str, indicators: Indicators, group_by: str | None
) -> Iterator[Problem]:
    if (shared := indicators.get(reference)) is not None:
        yield from broken_indicator(shared, SHARED, group_by)
        yield from _thresholds(document, _at(shared, *SHARED))
        return
    found, near = f"the indicator {reference!r}", closest(reference, indicators)
    expected = "the name of a `kind: SLI`"
    yield problem(document, ("spec", "indicatorRef"), found=found, expected=expected, did_you_mean=near)


def _thresholds(document: Document, indicator: Plain) -> Iterator[Problem]:
    if not isinstance(indicator, dict) or indicator.get("thresholdMetric") is None:
        return
    for index, one in enumerate(_items(_at(document, "spec", "objectives"))):
        if isinstance(one, dict) and (one.get("op") is None or one.get("value") is None):
            loc: Loc = ("spec", "objectives", index)
            expected = "op and value, for a thresholdMetric"
            yield problem(document, loc, found="no op and value", expected=expected)


def _ratio(document: Document, loc: Loc, group_by: str | None) -> Iterator[Problem]:
    metric = _at(document, *loc)
    if not isinstance(metric, dict):
        return
    if (metric.get("good") is None) == (metric.get("bad") is None):
        yield problem(document, loc, found="not exactly one of good and bad", expected="one of good, bad")
    counter: Literal["counter", "not a counter"] = (
        "counter" if metric.get("counter") is True else "not a counter"
    )
    for part in ("good", "bad", "total"):
        place = (*loc, part, *QUERY)
        if text := text_at(document, *place):
            match _read(text, counter, group_by):
                case BadQuery() as bad:
                    yield problem(document, place, found=bad.found, expected=bad.expected)


def _histogram(document: Document, loc: Loc, group_by: str | None) -> Iterator[Problem]:
    place = (*loc, *QUERY)
    if text := text_at(document, *place):
        match _read(text, "counter", group_by):
            case BadQuery() as bad:
                yield problem(document, place, found=bad.found, expected=bad.expected)
            case query if not isinstance(query, Counter):
                expected = "a bare selector of a classic histogram"
                yield problem(document, place, found="an expression", expected=expected)


def _read(text: str, counter: Literal["counter", "not a counter"], group_by: str | None) -> Query | BadQuery:
    try:
        return read_query(text, counter, group_by)
    except BadQuery as bad:
        return bad


__all__ = [
    "INLINE",
    "SHARED",
    "Indicators",
    "broken_indicator",
    "broken_rules",
    "objective_names",
    "repeated",
    "text_at",
]
