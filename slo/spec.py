"""OpenSLO v1 as it may be written here. Field descriptions are the documentation of the format."""

from __future__ import annotations

from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field, FiniteFloat, RootModel, WithJsonSchema
from pydantic_core import PydanticCustomError

from keelwatch.workspace.reader import StrictModel, matching
from slo import durations
from slo.windows import MAX_PERIOD_S, MIN_PERIOD_S

GROUP_BY = "keelwatch.dev/group-by"
STRATUM = "keelwatch.dev/stratum"
ANNOTATIONS = (GROUP_BY, STRATUM)

Name = Annotated[
    str, *matching(r"^[a-z0-9]([a-z0-9.-]{0,61}[a-z0-9])?$", "a name of a-z, 0-9, inner dashes and dots")
]


def share_of_percent(percent: float) -> float:
    """99.9 / 100 is 0.9990000000000001: the shortest decimal is what was meant."""
    return float(f"{percent / 100:.12g}")


def _target(target: float) -> float:
    if not 0.0 < target < 1.0:
        none_left = ": 1 leaves no budget" if target == 1.0 else ""
        raise PydanticCustomError("expected", f"between 0 and 1, like 0.999{none_left}")
    return target


def _target_percent(percent: float) -> float:
    if not 0.0 < (target := share_of_percent(percent)) < 1.0:
        none_left = ": 100 leaves no budget" if target == 1.0 else ""
        raise PydanticCustomError("expected", f"between 0 and 100, like 99.9{none_left}")
    return percent


def _period(duration: str) -> str:
    try:
        if MIN_PERIOD_S <= durations.parse(duration) <= MAX_PERIOD_S:
            return duration
    except ValueError:
        pass
    raise PydanticCustomError("expected", "a length between 7d and 90d, like 30d, 4w or 720h")


def _between(low: int, high: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "number", "exclusiveMinimum": low, "exclusiveMaximum": high})


Target = Annotated[float, AfterValidator(_target), _between(0, 1)]
TargetPercent = Annotated[float, AfterValidator(_target_percent), _between(0, 100)]
Period = Annotated[str, AfterValidator(_period)]


class Metadata(StrictModel):
    name: Name = Field(description="Unique among all objectives of the workspace")
    display_name: str = Field("", alias="displayName", description="What people call it")
    labels: dict[str, str | list[str]] = Field(default_factory=dict, description="Free labels; not read")
    annotations: dict[str, str] = Field(
        default_factory=dict,
        description=f"`{GROUP_BY}: region` reads it per region; `{STRATUM}: probe` marks probe traffic",
    )


class QuerySpec(StrictModel):
    query: str = Field(min_length=1, description="PromQL: a counter selector, or with [$window], or [5m]")


class MetricSource(StrictModel):
    metric_source_ref: str = Field(
        "", alias="metricSourceRef", description="Not read: the environment names it"
    )
    type: Literal["Prometheus", "prometheus"] = Field("Prometheus", description="Where the query is for")
    spec: QuerySpec


class Metric(StrictModel):
    metric_source: MetricSource = Field(alias="metricSource")


class RatioMetric(StrictModel):
    counter: bool = Field(default=False, description="true: the queries are bare selectors of counters")
    good: Metric | None = Field(None, description="Events that went well; this or `bad`")
    bad: Metric | None = Field(None, description="Events that did not; this or `good`")
    total: Metric = Field(description="All events")


class IndicatorSpec(StrictModel):
    description: str = ""
    ratio_metric: RatioMetric | None = Field(None, alias="ratioMetric")
    threshold_metric: Metric | None = Field(
        None,
        alias="thresholdMetric",
        description="A classic histogram, with `op` and `value` beside the target",
    )


class Indicator(StrictModel):
    metadata: Metadata | None = None
    spec: IndicatorSpec


class Calendar(StrictModel):
    start_time: str = Field(alias="startTime")
    time_zone: str = Field(alias="timeZone")


class TimeWindow(StrictModel):
    duration: Period = Field(description="Between 7d and 90d: 30d, 4w, 720h")
    is_rolling: bool = Field(default=True, alias="isRolling", description="Only rolling windows so far")
    calendar: Calendar | None = None


class ObjectiveSpec(StrictModel):
    display_name: str = Field("", alias="displayName")
    target: Target | None = Field(None, description="Share of good events, 0.999; this or targetPercent")
    target_percent: TargetPercent | None = Field(
        None, alias="targetPercent", description="The same in percent, 99.9"
    )
    op: Literal["lte", "lt", "gte", "gt"] | None = Field(
        None, description="For thresholdMetric: good are these"
    )
    value: FiniteFloat | None = Field(
        None, description="For thresholdMetric: a bucket bound of the histogram"
    )


class SloBody(StrictModel):
    description: str = ""
    service: str = Field(description="The component this objective is about")
    indicator: Indicator | None = Field(None, description="The indicator itself; this or indicatorRef")
    indicator_ref: str | None = Field(None, alias="indicatorRef", description="The name of a `kind: SLI`")
    time_window: list[TimeWindow] = Field(alias="timeWindow", min_length=1, max_length=1)
    budgeting_method: Literal["Occurrences", "Timeslices", "RatioTimeslices"] = Field(
        "Occurrences", alias="budgetingMethod", description="Only Occurrences so far"
    )
    objectives: list[ObjectiveSpec] = Field(min_length=1)
    alert_policies: list[str] = Field(default_factory=list, alias="alertPolicies", description="Not read")


class SloSpec(StrictModel):
    """An objective."""

    api_version: Literal["openslo/v1"] = Field(alias="apiVersion")
    kind: Literal["SLO"]
    metadata: Metadata
    spec: SloBody


class SliSpec(StrictModel):
    """An indicator that several objectives share."""

    api_version: Literal["openslo/v1"] = Field(alias="apiVersion")
    kind: Literal["SLI"]
    metadata: Metadata
    spec: IndicatorSpec


class OtherSpec(StrictModel):
    """What OpenSLO has besides. It may stand in a workspace and is not read."""

    model_config = ConfigDict(extra="allow")

    api_version: Literal["openslo/v1"] = Field(alias="apiVersion")
    kind: Literal["Service", "DataSource", "AlertPolicy", "AlertCondition", "AlertNotificationTarget"]


class OpenSlo(RootModel[Annotated[SloSpec | SliSpec | OtherSpec, Field(discriminator="kind")]]):
    """Any document that `check` takes for OpenSLO: an objective, an indicator, or what is not read."""


OTHER_KINDS: tuple[str, ...] = get_args(OtherSpec.model_fields["kind"].annotation)
