"""From spec files to objectives, with every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from keelwatch.workspace.document import Document, read_files, unsaid
from keelwatch.workspace.errors import InputError, Problem, in_order
from keelwatch.workspace.reader import closest, parse, problem
from keelwatch.workspace.spec_files import all_spec_files
from slo import durations
from slo.objective import Objective, Ratio
from slo.promql import Counter, Query, read_query
from slo.rules import (
    SHARED,
    Indicators,
    broken_indicator,
    broken_rules,
    objective_names,
    repeated,
    text_at,
)
from slo.selector import Matcher, Op, Selector, le_spellings
from slo.snapshot import Kind, Stratum
from slo.spec import (
    GROUP_BY,
    OTHER_KINDS,
    STRATUM,
    IndicatorSpec,
    Metric,
    ObjectiveSpec,
    RatioMetric,
    SliSpec,
    SloSpec,
    share_of_percent,
)

VERSION = "openslo/v1"


def load_folder(folder: Path) -> tuple[Objective, ...]:
    """Every objective under `folder`, by name. Files of other specs are left alone. Raises `InputError`."""
    return load_files(all_spec_files(folder))


def load_files(files: Iterable[Path]) -> tuple[Objective, ...]:
    """Every objective in `files`, by name. Raises `InputError` with the problems of all files."""
    documents, problems = read_files(files)
    try:
        objectives = read_objectives(list(filter(is_openslo, documents)))
    except InputError as error:
        raise InputError(in_order([*problems, *unsaid(error.problems, problems)])) from None
    if problems:
        raise InputError(in_order(problems))
    return objectives


def is_openslo(document: Document) -> bool:
    return isinstance(document.data, dict) and "apiVersion" in document.data


def read_objectives(documents: Sequence[Document], beside: Sequence[Document] = ()) -> tuple[Objective, ...]:
    """The objectives of these OpenSLO documents, by name. Raises `InputError` with every problem of theirs.

    They may refer to the indicators of the documents `beside` them, whose own problems are not said.
    """
    slos, slis = list(filter(_is_objective, documents)), list(filter(_is_indicator, documents))
    indicators: dict[str, Document] = {}
    for document in (*filter(_is_indicator, beside), *slis):  # of one name, our own counts
        if name := text_at(document, "metadata", "name"):
            indicators[name] = document
    problems = [found for document in documents for found in _problems(document, indicators)]
    problems += repeated(slos, slis)
    files = {document.file for document in documents}
    if own := [one for one in problems if one.file in files]:
        raise InputError(in_order(own))
    broken = {one.file for one in problems}
    found = [one for document in slos for one in _objectives(document, indicators, broken)]
    return tuple(sorted(found, key=lambda one: one.name))


def refers_elsewhere(documents: Sequence[Document]) -> bool:
    """Whether an objective of these documents refers to an indicator that is not among them."""
    names = {text_at(one, "metadata", "name") for one in documents if _is_indicator(one)}
    wanted = {text_at(one, "spec", "indicatorRef") for one in documents if is_openslo(one)}
    return bool(wanted - names - {None})


def _is_indicator(document: Document) -> bool:
    return is_openslo(document) and text_at(document, "kind") == "SLI"


def _is_objective(document: Document) -> bool:
    """Also one whose kind is misspelt: what else is wrong with it is said with that."""
    return is_openslo(document) and text_at(document, "kind") not in {"SLI", *OTHER_KINDS}


def _problems(document: Document, indicators: Indicators) -> Iterator[Problem]:
    """What the model finds wrong, and what one key demands of another; both are told at once."""
    kind, version = text_at(document, "kind"), text_at(document, "apiVersion")
    if version != VERSION and kind not in {"SLO", "SLI"}:  # of another tool altogether: it has other keys
        found = "no text" if version is None else repr(version)
        near = closest(version or "", [VERSION])
        yield problem(document, ("apiVersion",), found=found, expected=f"{VERSION!r}", did_you_mean=near)
        return
    if kind in OTHER_KINDS:
        return
    try:
        parse(document, SliSpec if kind == "SLI" else SloSpec)
    except InputError as error:
        yield from error.problems
    if kind == "SLI":
        yield from broken_indicator(document, SHARED)
    else:
        yield from broken_rules(document, indicators)


def _objectives(document: Document, indicators: Indicators, broken: set[Path]) -> Iterator[Objective]:
    """The objectives of a document without problems, one for each target; none while the indicator it
    refers to stands in a file that is `broken`."""
    slo = parse(document, SloSpec)
    if slo.spec.indicator is not None:
        indicator = slo.spec.indicator.spec
    else:
        shared = indicators[slo.spec.indicator_ref or ""]
        if shared.file in broken:
            return
        indicator = parse(shared, SliSpec).spec
    for name, spec in zip(objective_names(document), slo.spec.objectives, strict=True):
        yield _objective(document, slo, name, spec, indicator)


def _objective(
    document: Document, slo: SloSpec, name: str, spec: ObjectiveSpec, indicator: IndicatorSpec
) -> Objective:
    annotations = slo.metadata.annotations
    group_by = annotations.get(GROUP_BY)
    ratio = _ratio(indicator, spec, group_by)
    stratum: Stratum = "probe" if annotations.get(STRATUM) == "probe" else "real"
    return Objective(
        name=name,
        display=spec.display_name or slo.metadata.display_name or name,
        component=slo.spec.service,
        target=share_of_percent(spec.target_percent or 0.0) if spec.target is None else spec.target,
        period_s=float(durations.parse(slo.spec.time_window[0].duration)),
        ratio=ratio,
        kind=_kind(ratio),
        stratum=stratum,
        group_by=group_by,
        description=slo.spec.description,
        file=document.file,
    )


def _ratio(indicator: IndicatorSpec, spec: ObjectiveSpec, group_by: str | None) -> Ratio:
    if indicator.threshold_metric is not None:
        return _threshold(indicator.threshold_metric, spec)
    metric = indicator.ratio_metric
    assert metric is not None
    part = metric.bad or metric.good
    assert part is not None
    name = "bad" if metric.bad else "good"
    return Ratio(_query(part, metric, group_by), name, _query(metric.total, metric, group_by))


def _query(part: Metric, ratio: RatioMetric, group_by: str | None) -> Query:
    query = part.metric_source.spec.query
    return read_query(query, "counter" if ratio.counter else "not a counter", group_by)


def _threshold(metric: Metric, spec: ObjectiveSpec) -> Ratio:
    """A histogram and a bound: the good events are those in the bucket of the bound, or outside it."""
    query = read_query(metric.metric_source.spec.query, "counter")
    assert isinstance(query, Counter)
    assert spec.value is not None
    selector = query.selector
    if not selector.metric.endswith("_bucket"):
        selector = Selector(selector.metric + "_bucket", selector.matchers)
    bound = le_spellings(spec.value)[0]
    part_is = "good" if spec.op in {"lte", "lt"} else "bad"
    return Ratio(Counter(selector.having("le", bound)), part_is, Counter(selector.having("le", "+Inf")))


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
