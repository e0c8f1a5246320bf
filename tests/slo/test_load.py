"""OpenSLO files: what they mean, and what is said about wrong ones."""

from __future__ import annotations

from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from keelwatch.workspace.document import load_all
from keelwatch.workspace.errors import InputError
from keelwatch.workspace.reader import json_schema
from slo.load import load_files, load_folder
from slo.objective import Objective
from slo.promql import Counter, Expression
from slo.spec import OpenSlo
from slo.windows import DAY_S

SPECS = Path(__file__).parents[2] / "slo" / "objectives"

GOOD = """\
apiVersion: openslo/v1
kind: SLO
metadata:
  name: login
  annotations:
    keelwatch.dev/group-by: region
spec:
  service: identity
  indicator:
    spec:
      ratioMetric:
        counter: true
        bad:
          metricSource:
            spec:
              query: requests_total{code=~"5.."}
        total:
          metricSource:
            spec:
              query: requests_total
  timeWindow:
    - duration: 30d
      isRolling: true
  objectives:
    - target: 0.999
"""

THRESHOLD = """\
apiVersion: openslo/v1
kind: SLO
metadata: {name: fast}
spec:
  service: identity
  indicator:
    spec:
      thresholdMetric:
        metricSource:
          type: Prometheus
          spec: {query: 'request_seconds{route="login"}'}
  timeWindow: [{duration: 4w, isRolling: true}]
  objectives: [{targetPercent: 99.9, op: lte, value: 0.5}]
"""

SLI = """\
apiVersion: openslo/v1
kind: SLI
metadata: {name: shared}
spec: {ratioMetric: {counter: true, bad: {metricSource: {spec: {query: 'bad_total'}}},
    total: {metricSource: {spec: {query: 'all_total'}}}}}
"""


def load(tmp_path: Path, *texts: str) -> tuple[Objective, ...]:
    files = []
    for index, text in enumerate(texts):
        files.append(tmp_path / f"{index}.yaml")
        files[-1].write_text(text)
    return load_files(files)


def complaints(tmp_path: Path, *texts: str) -> list[str]:
    with pytest.raises(InputError) as caught:
        load(tmp_path, *texts)
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in caught.value.problems]


def test_the_catalogue_of_the_sandbox_reads() -> None:
    every = load_folder(SPECS)
    assert all(one.name.startswith("probe-") == (one.stratum == "probe") for one in every)
    found = {one.name: one for one in every if one.stratum == "real"}
    routes = ("login", "session", "invoices", "plan-change", "lookup", "portal")
    assert sorted(found) == sorted(
        f"{route}-{kind}" for route in routes for kind in ("availability", "latency")
    )
    for name, one in found.items():
        assert one.kind == name.rpartition("-")[2]
        assert one.target == (0.999 if one.kind == "availability" else 0.99)
        assert one.group_by == (None if name.startswith("portal") else "region")
        assert one.period_s == 30 * DAY_S
    components = {name.rpartition("-")[0]: one.component for name, one in found.items()}
    assert components == {
        "login": "identity",
        "session": "identity",
        "invoices": "billing",
        "plan-change": "accounts",
        "lookup": "accounts",
        "portal": "portal",
    }


def test_the_catalogue_has_an_objective_on_each_journey() -> None:
    """With a target that one failure in an hour does not page for: a journey comes every minute or two."""
    found = [one for one in load_folder(SPECS) if one.stratum == "probe"]
    journeys = {file.stem for file in (SPECS.parents[1] / "probes" / "journeys").glob("*.yaml")}
    assert {one.name for one in found if one.kind == "availability"} == {f"probe-{name}" for name in journeys}
    assert {one.target for one in found} == {0.99, 0.95}
    assert {one.group_by for one in found} == {"region"}


def test_a_ratio_of_counters(tmp_path: Path) -> None:
    (one,) = load(tmp_path, GOOD)
    assert (one.name, one.component, one.target, one.group_by, one.kind) == (
        "login",
        "identity",
        0.999,
        "region",
        "availability",
    )
    assert isinstance(one.ratio.part, Counter)
    assert str(one.ratio.part.selector) == 'requests_total{code=~"5.."}'
    assert one.ratio.part_is == "bad"


def test_a_threshold_over_a_classic_histogram(tmp_path: Path) -> None:
    (one,) = load(tmp_path, THRESHOLD)
    assert (one.target, one.period_s, one.kind) == (0.999, 28 * DAY_S, "latency")
    assert one.ratio.part_is == "good"
    assert isinstance(one.ratio.part, Counter)
    assert isinstance(one.ratio.total, Counter)
    assert str(one.ratio.part.selector) == 'request_seconds_bucket{le="0.5",route="login"}'
    assert str(one.ratio.total.selector) == 'request_seconds_bucket{le="+Inf",route="login"}'


def test_above_a_threshold_the_bucket_holds_the_bad(tmp_path: Path) -> None:
    (one,) = load(tmp_path, THRESHOLD.replace("lte", "gt"))
    assert one.ratio.part_is == "bad"


def test_an_indicator_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    head, _, rest = GOOD.partition("  indicator:\n    spec:\n")
    body, _, tail = rest.partition("  timeWindow:")
    sli = "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: requests}\nspec:\n" + "\n".join(
        line[4:] for line in body.splitlines()
    )
    slo = f"{head}  indicatorRef: requests\n  timeWindow:{tail}"
    assert load(tmp_path, slo, sli)[0].ratio == load(tmp_path, GOOD)[0].ratio
    (found,) = complaints(tmp_path, slo.replace("Ref: requests", "Ref: request"), sli)
    assert found.startswith("0.yaml:9:17: found the indicator 'request', expected the name of a `kind: SLI`")
    assert found.endswith("did you mean 'requests'?")


@pytest.mark.parametrize("text", ["30d", "4w2d", "720h", "43200m"])
def test_a_month_however_it_is_written(tmp_path: Path, text: str) -> None:
    (one,) = load(tmp_path, GOOD.replace("30d", text))
    assert one.period_s == 30 * DAY_S


def test_windowed_and_fixed_queries_are_told_apart(tmp_path: Path) -> None:
    def with_query(query: str) -> str:
        text = GOOD.replace("        counter: true\n", "").replace("    keelwatch.dev/group-by: region\n", "")
        text = text.replace("  annotations:\n", "")
        return text.replace('requests_total{code=~"5.."}', query).replace(
            "query: requests_total\n", f"query: {query}\n"
        )

    (windowed,) = load(tmp_path, with_query("sum(rate(requests_total[$window]))"))
    assert isinstance(windowed.ratio.part, Expression)
    assert windowed.ratio.part.range_s is None
    assert not windowed.ratio.approximate
    (fixed,) = load(tmp_path, with_query("sum(rate(requests_total[5m]))"))
    assert isinstance(fixed.ratio.part, Expression)
    assert fixed.ratio.part.range_s == 300
    assert fixed.ratio.approximate


TARGET, QUERY = "target: 0.999", "requests_total\n"


@pytest.mark.parametrize(
    ("old", "new", "place", "words"),
    [
        (TARGET, "target: 1", "25:15", "found 1, expected between 0 and 1, like 0.999: 1 leaves no budget"),
        (TARGET, "target: 0", "25:15", "found 0, expected between 0 and 1, like 0.999"),
        (TARGET, "target: 99.9", "25:15", "found 99.9, expected between 0 and 1, like 0.999"),
        (
            TARGET,
            "targetPercent: 100",
            "25:22",
            "found 100, expected between 0 and 100, like 99.9: 100 leaves no budget",
        ),
        (TARGET, "target: 0.9", "25:15", "found a target that the 1h+5m pair can never alert on: 14.4x"),
        (TARGET, "displayName: x", "25:7", "found neither target nor targetPercent"),
        (TARGET, f"{TARGET}\n      targetPercent: 99.9", "25:7", "found both target and targetPercent"),
        ("30d", "6d", "22:17", "found '6d', expected a length between 7d and 90d"),
        ("30d", "91d", "22:17", "found '91d', expected a length between"),
        ("30d", "1M", "22:17", "found '1M', expected a length between"),
        (
            "isRolling: true",
            "isRolling: false",
            "22:7",
            "found a calendar window, which is not supported yet",
        ),
        (QUERY, "sum(requests_total\n", "20:22", "found broken PromQL (unclosed left parenthesis)"),
        (QUERY, "sum(requests_total)\n", "20:22", "found an expression without a range"),
        (QUERY, "sum(rate(x[$window]))\n", "20:22", "found a result without the label 'region'"),
        (QUERY, "sum(rate(x[5m])) / sum(rate(y[5m]))\n", "20:22", "found a ratio of two counts"),
        ("counter: true", "counter: false", "16:22", "found a bare selector that is not declared a counter"),
        ("group-by: region", "groupby: region", "6:28", "did you mean 'keelwatch.dev/group-by'?"),
        ("group-by: region", "stratum: prob", "6:28", "expected real or probe; did you mean 'probe'?"),
        ("service:", "servise:", "8:3", "found the unknown key 'servise'"),
        ("kind: SLO", "kind: SLOO", "2:7", "found 'SLOO'"),
        ("openslo/v1", "openslo/v2", "1:13", "found 'openslo/v2'"),
        ('{code=~"5.."}', '{le="half"}', "16:22", "found a bucket bound `le` that is no number"),
        ("group-by: region", "group-by: a b", "6:29", "found 'a b', expected the name of a label"),
        ("openslo/v1", "v1", "1:13", "found 'v1', expected 'openslo/v1'"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, old: str, new: str, place: str, words: str
) -> None:
    assert old in GOOD
    found = complaints(tmp_path, GOOD.replace(old, new, 1))
    assert any(one.startswith(f"0.yaml:{place}: ") and words in one for one in found), found


def test_an_unknown_key_does_not_hide_a_target_or_a_period_out_of_range(tmp_path: Path) -> None:
    broken = GOOD.replace("service:", "servise:").replace("0.999", "1.2").replace("30d", "3d")
    assert [one.split(", expected")[0] for one in complaints(tmp_path, broken)] == [
        "0.yaml:8:3: found no such key",
        "0.yaml:8:3: found the unknown key 'servise'",
        "0.yaml:22:17: found '3d'",
        "0.yaml:25:15: found 1.2",
    ]


def test_an_unknown_key_hides_neither_a_broken_query_nor_an_unreachable_target(tmp_path: Path) -> None:
    broken = (
        GOOD.replace("service:", "servise:").replace("0.999", "0.9").replace("_total{code", "_total{{code")
    )
    found = complaints(tmp_path, broken)
    assert [one.split(", expected")[0].split(" (")[0].split(" is an")[0] for one in found] == [
        "0.yaml:8:3: found no such key",
        "0.yaml:8:3: found the unknown key 'servise'",
        "0.yaml:16:22: found broken PromQL",
        "0.yaml:25:15: found a target that the 1h+5m pair can never alert on: 14.4x of 0.1",
    ]


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        ("  name: login\n", "  name: login\n  name: log\n", "5:3: found the key 'name' a second time"),
        ("service: identity", "service: !a identity", "8:12: found a tag"),
        ("service: identity", "service: *a", "8:12: found an alias"),
        ("displayName: x", "displayName: .inf", "9:16: found .inf"),
    ],
)
def test_yaml_that_is_refused_hides_nothing_else(tmp_path: Path, old: str, new: str, found: str) -> None:
    text = GOOD.replace("  service: identity\n", "  service: identity\n  displayName: x\n")
    broken = text.replace(old, new, 1).replace("0.999", "0.9")
    told = complaints(tmp_path, broken)
    assert any(one.startswith(f"0.yaml:{found}") for one in told), told
    assert any("can never alert on" in one for one in told)
    assert any("unknown key 'displayName'" in one for one in told)
    assert not any("found nothing" in one for one in told)  # an alias is no missing value


def test_an_indicator_nobody_refers_to_is_checked_too(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, SLI.replace("bad_total", "sum(bad_total)"))
    assert "0.yaml:4:72: found an expression without a range" in found


def test_two_indicators_of_one_name_are_a_problem(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, SLI, SLI)
    assert found.startswith("1.yaml:3:18: found the indicator 'shared' again, expected a name not in ")


@pytest.mark.parametrize("kind", ["Service", "DataSource", "Deployment"])
def test_a_manifest_of_another_tool_is_no_openslo(tmp_path: Path, kind: str) -> None:
    (found,) = complaints(tmp_path, f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\nspec: {{}}\n")
    assert found == "0.yaml:1:13: found 'v1', expected 'openslo/v1'"


@pytest.mark.parametrize("value", ["1" + "0" * 399, "-" + "9" * 350])
def test_a_bound_that_is_no_finite_number_is_refused(tmp_path: Path, value: str) -> None:
    (found,) = complaints(tmp_path, THRESHOLD.replace("value: 0.5", f"value: {value}"))
    assert "expected a finite number" in found


def test_the_schema_takes_what_check_takes(tmp_path: Path) -> None:
    validator = Draft202012Validator(json_schema(OpenSlo, "an objective"))
    service = {"apiVersion": "openslo/v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {}}
    (tmp_path / "sli.yaml").write_text(SLI)
    (indicator,) = load_all(tmp_path / "sli.yaml")
    catalogue = [one for file in sorted(SPECS.rglob("*.yaml")) for one in load_all(file)]
    assert catalogue
    for document in (service, *(one.data for one in (indicator, *catalogue))):
        assert not list(validator.iter_errors(document))
    assert list(validator.iter_errors(service | {"apiVersion": "v1"}))
    assert isinstance(indicator.data, dict)
    assert list(validator.iter_errors(indicator.data | {"sepc": {}}))


@pytest.mark.parametrize("percent", ["99.99999999999999", "-1", "1e-999"])
def test_a_percentage_that_is_as_good_as_all_or_nothing_is_no_target(tmp_path: Path, percent: str) -> None:
    (found,) = complaints(tmp_path, GOOD.replace("target: 0.999", f"targetPercent: {percent}"))
    assert "expected between 0 and 100" in found


def test_every_problem_of_every_file_is_said_at_once(tmp_path: Path) -> None:
    broken = GOOD.replace("0.999", "1").replace("30d", "3d")
    found = complaints(tmp_path, broken, "apiVersion: [", THRESHOLD.replace("op: lte, ", ""))
    assert [one.split(":")[0] for one in found] == ["0.yaml", "0.yaml", "1.yaml", "2.yaml"]


def test_two_objectives_of_one_name_are_a_problem(tmp_path: Path) -> None:
    (found,) = complaints(tmp_path, GOOD, GOOD)
    assert found.startswith("1.yaml:4:9: found the objective 'login' again, expected a name not in ")


def test_several_targets_are_several_objectives(tmp_path: Path) -> None:
    found = load(tmp_path, GOOD + "    - target: 0.99\n")
    assert [(one.name, one.target) for one in found] == [("login-1", 0.999), ("login-2", 0.99)]


def test_specs_of_other_rooms_and_kinds_are_left_alone(tmp_path: Path) -> None:
    service = "apiVersion: openslo/v1\nkind: Service\nmetadata: {name: x}\nspec: {description: y}\n"
    assert load(tmp_path, "journey: log-in\n", service, "- a list\n") == ()
