"""From spec files to objectives, with every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from keelwatch.workspace.document import Document, Loc, load_all
from keelwatch.workspace.errors import InputError, Problem
from keelwatch.workspace.reader import closest, parse, problem
from keelwatch.workspace.spec_files import spec_files
from slo import durations
from slo.objective import Objective, Ratio
from slo.promql import BadQuery, Counter, Matcher, Op, Query, Selector, le_spellings, read_query
from slo.snapshot import Kind, Stratum
from slo.spec import (
    ANNOTATIONS,
    GROUP_BY,
    STRATUM,
    IndicatorSpec,
    Metric,
    ObjectiveSpec,
    SliSpec,
    SloSpec,
    share_of_percent,
)
from slo.windows import pairs

OTHER_KINDS = ("Service", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget")

Indicators = dict[str, tuple[Document, SliSpec] | None]
"""The `kind: SLI` documents by name; None for one that is wrong itself, which is said once, at its place."""


def load_folder(folder: Path) -> tuple[Objective, ...]:
    """Every objective under `folder`, by name. Files of other specs are left alone. Raises `InputError`."""
    files, problems = spec_files(folder)
    if problems:
        raise InputError(problems)
    return load_files(files)


def load_files(files: Iterable[Path]) -> tuple[Objective, ...]:
    """Every objective in `files`, by name. Raises `InputError` with the problems of all files."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for file in files:
        try:
            documents += [one for one in load_all(file) if is_openslo(one)]
        except InputError as error:
            problems += error.problems
    try:
        objectives = read_objectives(documents)
    except InputError as error:
        raise InputError([*problems, *error.problems]) from None
    if problems:
        raise InputError(problems)
    return objectives


def is_openslo(document: Document) -> bool:
    return isinstance(document.data, dict) and "apiVersion" in document.data


def read_objectives(documents: Sequence[Document], beside: Sequence[Document] = ()) -> tuple[Objective, ...]:
    """The objectives of these OpenSLO documents, by name. Raises `InputError` with every problem of theirs.

    They may refer to the indicators of the documents `beside` them, whose own problems are not said.
    """
    reader = _Reader()
    for document in (*filter(_is_indicator, beside), *documents):  # of one name, our own counts
        reader.take(document)
    objectives = reader.finish()
    files = {document.file for document in documents}
    problems = [one for one in reader.problems if one.file in files]
    if problems:
        raise InputError(sorted(problems, key=lambda one: (str(one.file), one.line, one.column)))
    return objectives


def refers_elsewhere(documents: Sequence[Document]) -> bool:
    """Whether an objective of these documents refers to an indicator that is not among them."""
    names = {_text(one, "metadata", "name") for one in documents if _is_indicator(one)}
    wanted = {_text(one, "spec", "indicatorRef") for one in documents if is_openslo(one)}
    return bool(wanted - names - {None})


def _is_indicator(document: Document) -> bool:
    return is_openslo(document) and _text(document, "kind") == "SLI"


def _text(document: Document, *keys: str) -> str | None:
    """The text that stands under these keys, whatever else the document is."""
    found = document.data
    for key in keys:
        found = found.get(key) if isinstance(found, dict) else None
    return found if isinstance(found, str) else None


@dataclass(slots=True)
class _Reader:
    problems: list[Problem] = field(default_factory=list)
    slos: list[tuple[Document, SloSpec]] = field(default_factory=list)
    slis: Indicators = field(default_factory=dict)

    def take(self, document: Document) -> None:
        assert isinstance(document.data, dict)
        kind = document.data.get("kind")
        try:
            if kind == "SLI":
                sli = parse(document, SliSpec)
                self.slis[sli.metadata.name] = (document, sli)
            elif kind not in OTHER_KINDS:
                self.slos.append((document, parse(document, SloSpec)))
        except InputError as error:
            self.problems += error.problems
            if kind == "SLI" and (name := _text(document, "metadata", "name")):
                self.slis[name] = None

    def finish(self) -> tuple[Objective, ...]:
        found: dict[str, Objective] = {}
        for document, slo in self.slos:
            source = _One(document, slo, self.slis)
            for objective in source.objectives():
                if objective.name in found:
                    first = found[objective.name].file
                    source.say(
                        ("metadata", "name"),
                        f"the objective {objective.name!r} again",
                        f"a name not in {first}",
                    )
                found.setdefault(objective.name, objective)
            self.problems += source.problems
        return tuple(found[name] for name in sorted(found))


class _One:
    """One SLO document on its way to its objectives (one per target)."""

    def __init__(self, document: Document, slo: SloSpec, slis: Indicators) -> None:
        self.document = document
        self.slo = slo
        self.slis = slis
        self.problems: list[Problem] = []

    def say(self, loc: Loc, found: str, expected: str, near: str = "") -> None:
        self.problems.append(problem(self.document, loc, found=found, expected=expected, did_you_mean=near))

    def objectives(self) -> list[Objective]:
        period_s = self._period()
        group_by, stratum = self._annotations()
        if self.slo.spec.budgeting_method != "Occurrences":
            method = self.slo.spec.budgeting_method
            self.say(("spec", "budgetingMethod"), f"{method}, which is not supported yet", "Occurrences")
        many = len(self.slo.spec.objectives) > 1
        found = []
        for index, spec in enumerate(self.slo.spec.objectives):
            target = self._target(index, spec, period_s)
            ratio = self._ratio(index, spec, group_by)
            if target is None or ratio is None or period_s is None:
                continue
            name = self.slo.metadata.name + (f"-{index + 1}" if many else "")
            found.append(self._objective(name, spec, target, period_s, ratio, group_by, stratum))
        return found

    def _objective(
        self,
        name: str,
        spec: ObjectiveSpec,
        target: float,
        period_s: float,
        ratio: Ratio,
        group_by: str | None,
        stratum: Stratum,
    ) -> Objective:
        return Objective(
            name=name,
            display=spec.display_name or self.slo.metadata.display_name or name,
            component=self.slo.spec.service,
            target=target,
            period_s=period_s,
            ratio=ratio,
            kind=_kind(ratio),
            stratum=stratum,
            group_by=group_by,
            description=self.slo.spec.description,
            file=self.document.file,
        )

    def _period(self) -> float | None:
        window = self.slo.spec.time_window[0]
        loc: Loc = ("spec", "timeWindow", 0)
        if window.calendar is not None or not window.is_rolling:
            self.say(loc, "a calendar window, which is not supported yet", "a rolling window")
            return None
        return float(durations.parse(window.duration))

    def _annotations(self) -> tuple[str | None, Stratum]:
        annotations = self.slo.metadata.annotations
        loc: Loc = ("metadata", "annotations")
        for key in annotations:
            if key.startswith("keelwatch.dev/") and key not in ANNOTATIONS:
                known = "one of " + ", ".join(ANNOTATIONS)
                self.say((*loc, key), f"the annotation {key!r}", known, closest(key, ANNOTATIONS))
        match annotations.get(STRATUM, "real"):
            case "real" | "probe" as stratum:
                return annotations.get(GROUP_BY), stratum
            case other:
                self.say((*loc, STRATUM), repr(other), "real or probe", closest(other, ("real", "probe")))
                return annotations.get(GROUP_BY), "real"

    def _target(self, index: int, spec: ObjectiveSpec, period_s: float | None) -> float | None:
        loc: Loc = ("spec", "objectives", index)
        match spec.target, spec.target_percent:
            case (None, None) | (float(), float()):
                given = (
                    "neither target nor targetPercent"
                    if spec.target is None
                    else "both target and targetPercent"
                )
                self.say(loc, given, "exactly one of them")
                return None
            case float(target), None:
                return self._alerting(target, (*loc, "target"), period_s)
            case _, float(percent):
                return self._alerting(share_of_percent(percent), (*loc, "targetPercent"), period_s)
        return None

    def _alerting(self, target: float, loc: Loc, period_s: float | None) -> float | None:
        """`target`, if every window pair can exceed its factor at all."""
        unreachable = [pair for pair in pairs(period_s or 0) if not pair.reachable(1.0 - target)]
        if unreachable:
            worst = max(unreachable, key=lambda pair: pair.factor)
            self.say(
                loc,
                f"a target that the {worst.long}+{worst.short} pair can never alert on: {worst.factor:g}x of"
                f" {1 - target:.3g} is an error ratio of {worst.factor * (1 - target):.3g}",
                f"a target above {1 - 1 / worst.factor:.4f}",
            )
            return None
        return target

    def _ratio(self, index: int, spec: ObjectiveSpec, group_by: str | None) -> Ratio | None:
        found = self._indicator()
        if found is None:
            return None
        document, loc, indicator = found
        queries = _Queries(document, self.problems, group_by)
        if (indicator.ratio_metric is None) == (indicator.threshold_metric is None):
            self.problems.append(
                problem(
                    document,
                    loc,
                    found="not exactly one indicator",
                    expected="one of ratioMetric, thresholdMetric",
                )
            )
            return None
        if indicator.threshold_metric is not None:
            return self._threshold(
                index, spec, queries, (*loc, "thresholdMetric"), indicator.threshold_metric
            )
        assert indicator.ratio_metric is not None
        metric, place = indicator.ratio_metric, (*loc, "ratioMetric")
        if (metric.good is None) == (metric.bad is None):
            self.problems.append(
                problem(document, place, found="not exactly one of good and bad", expected="one of good, bad")
            )
            return None
        counter = metric.counter
        name = "bad" if metric.bad else "good"
        part = queries.read((*place, name), metric.bad or metric.good, counter=counter)
        total = queries.read((*place, "total"), metric.total, counter=counter)
        return Ratio(part, name, total) if part and total else None

    def _indicator(self) -> tuple[Document, Loc, IndicatorSpec] | None:
        inline, reference = self.slo.spec.indicator, self.slo.spec.indicator_ref
        if (inline is None) == (reference is None):
            self.say(("spec",), "not exactly one of indicator and indicatorRef", "one of them")
            return None
        if inline is not None:
            return self.document, ("spec", "indicator", "spec"), inline.spec
        assert reference is not None
        if reference not in self.slis:
            near = closest(reference, self.slis)
            self.say(
                ("spec", "indicatorRef"), f"the indicator {reference!r}", "the name of a `kind: SLI`", near
            )
            return None
        found = self.slis[reference]
        return (found[0], ("spec",), found[1].spec) if found else None

    def _threshold(
        self, index: int, spec: ObjectiveSpec, queries: _Queries, loc: Loc, metric: Metric
    ) -> Ratio | None:
        """A histogram and a bound: the good events are those in the bucket of the bound, or outside it."""
        if spec.op is None or spec.value is None:
            self.say(("spec", "objectives", index), "no op and value", "op and value, for a thresholdMetric")
            return None
        query = queries.read(loc, metric, counter=True)
        if query is None:
            return None
        if not isinstance(query, Counter):
            queries.say(loc, "an expression", "a bare selector of a classic histogram")
            return None
        selector = query.selector
        if not selector.metric.endswith("_bucket"):
            selector = Selector(selector.metric + "_bucket", selector.matchers)
        bound = le_spellings(spec.value)[0]
        part_is = "good" if spec.op in {"lte", "lt"} else "bad"
        return Ratio(Counter(selector.having("le", bound)), part_is, Counter(selector.having("le", "+Inf")))


@dataclass(slots=True)
class _Queries:
    """Reads the queries of one indicator, which may stand in another document than its objective."""

    document: Document
    problems: list[Problem]
    group_by: str | None

    def read(self, loc: Loc, metric: Metric | None, *, counter: bool) -> Query | None:
        assert metric is not None
        try:
            query = read_query(
                metric.metric_source.spec.query, "counter" if counter else "not a counter", self.group_by
            )
        except BadQuery as error:
            self.say(loc, error.found, error.expected)
            return None
        if isinstance(query, Counter) and not _is_bound(query.selector):
            self.say(loc, "a bucket bound `le` that is no number", 'a number, like le="0.5"')
            return None
        return query

    def say(self, loc: Loc, found: str, expected: str) -> None:
        place = (*loc, "metricSource", "spec", "query")
        self.problems.append(problem(self.document, place, found=found, expected=expected))


def _is_bound(selector: Selector) -> bool:
    bound = selector.equals("le")
    try:
        return bound is None or float(bound) is not None
    except ValueError:
        return False


def _kind(ratio: Ratio) -> Kind:
    match ratio.part:
        case Counter(selector=selector) if any(_is_le(matcher) for matcher in selector.matchers):
            return "latency"
        case Counter():
            return "availability"
        case expression:
            return "latency" if "le=" in expression.text else "availability"


def _is_le(matcher: Matcher) -> bool:
    return matcher.name == "le" and matcher.op in {Op.EQUAL, Op.REGEX}
