"""Which queries are read, and what is refused before it can harm: us, the source, or the truth."""

from __future__ import annotations

import time

import promql_parser
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from slo.objective import Stream
from slo.plan import Increase, Newest, alone
from slo.promql import MAX_BYTES, MAX_DEPTH, MAX_OPERATORS, BadQuery, Counter, Expression, read_query
from slo.selector import le_spellings


def refused(text: str) -> str:
    with pytest.raises(BadQuery) as caught:
        read_query(text, "counter")
    return caught.value.found


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("-" * 1_000 + "a", "a query of too many operators"),
        ("-" * 12_000 + "a", f"a query of more than {MAX_BYTES} bytes"),
        ("(" * 50_000 + "a" + ")" * 50_000, f"a query of more than {MAX_BYTES} bytes"),
        ("(" * 4_000 + "a" + ")" * 4_000, "a query that is nested too deep"),
        ("abs(" * 1_000 + "a" + ")" * 1_000, "a query that is nested too deep"),
        ("{" * 4_000, "a query that is nested too deep"),
        ("^".join("a" * 2_000), "a query of too many operators"),
        (" or ".join("a" * 1_000), "a query of too many operators"),
        ("a==" * 1_000 + "a", "a query of too many operators"),
        ("a atan2 " * 1_000 + "a", "a query of too many operators"),
        ('"' + '\\"' * 4_000, 'broken PromQL (unterminated quoted string ")'),
    ],
    ids=range(11),
)
def test_what_the_parser_would_hang_or_die_on_is_refused_before_it(text: str, found: str) -> None:
    began = time.process_time()
    assert refused(text) == found
    assert time.process_time() - began < 2.0


@pytest.mark.parametrize(
    "text",
    [
        "-" * MAX_OPERATORS + "sum(rate(a[5m]))",
        "(" * (MAX_DEPTH - 3) + "sum(rate(a[5m]))" + ")" * (MAX_DEPTH - 3),
        " + ".join(['sum(rate(a{b="(((((((---"}[$window]))'] * 120),
        " + ".join(["sum(rate(a[5m]))"] * (MAX_OPERATORS + 1)),
    ],
    ids=["signs", "brackets", "texts are no brackets", "sums"],
)
def test_what_is_long_but_not_too_long_is_read_at_once(text: str) -> None:
    read_query("sum(rate(a[5m]))", "not a counter")  # the parser is loaded
    began = time.process_time()
    assert isinstance(read_query(text, "not a counter"), Expression)
    assert time.process_time() - began < 0.5


def test_a_ratio_is_found_however_deep_it_stands() -> None:
    many = " + ".join(["sum(rate(a[5m]))"] * 50)
    assert (
        refused(f"abs({many} + 2 * (sum(rate(a[5m])) / (1 + sum(rate(b[5m])))))") == "a ratio of two counts"
    )


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("sum(rate(a[100ms]))", "a range of 0.1 s"),
        ("sum(rate(a[1500ms]))", "a range of 1.5 s"),
        ("sum(rate(a[91d]))", "a range of 7.8624e+06 s"),
        ("sum(rate(a[300y]))", "a range of 9.4608e+09 s"),
        ("max_over_time(a[100ms:10ms])", "a range of 0.1 s"),
        ("a[5m]", "a range of samples"),
        ("(a[5m])", "a range of samples"),
        ("a[$window]", "a range of samples"),
        ("a[5m:1m]", "a range of samples"),
        ("rate(a[5m])[5m:1m]", "a range of samples"),
        ("scalar(sum(rate(a[5m])))", "a number without labels"),
        ("-(2 * scalar(sum(rate(a[5m]))))", "a number without labels"),
        ("1", "an expression without a range"),
        ("time()", "an expression without a range"),
        ('"a"', "an expression without a range"),
        ("vector(1)", "an expression without a range"),
        ("sum(a)", "an expression without a range"),
        ("a offset 5m", "an offset"),
        ("sum(rate(a[5m] offset 1h))", "an offset"),
        ("sum(rate(a[$window] offset -1h))", "an offset"),
        ("max_over_time(a[5m:1m] offset 1h)", "an offset"),
        ("a @ 0", "a time (@)"),
        ("sum(rate(a[$window] @ end()))", "a time (@)"),
        ("sum(rate(a[5m])) + sum(rate(a[$window]))", "$window beside a fixed range"),
        ("max_over_time(rate(a[5m])[$window:5m])", "$window beside a fixed range"),
        ('{job="a"}', "a selector without the name of a metric"),
        ('{__name__=~"a|b"}', "a selector without the name of a metric"),
        ('a_bucket{le="-Inf"}', "a bucket bound `le` that is no number"),
        ('a_bucket{le="NaN"}', "a bucket bound `le` that is no number"),
        ('a_bucket{le="1_000"}', "a bucket bound `le` that is no number"),
        ('a_bucket{le="1e999"}', "a bucket bound `le` that is no number"),
        ('a_bucket{le="1",le="x"}', "a bucket bound `le` that is no number"),
    ],
)
def test_what_cannot_be_counted_now_is_refused(text: str, found: str) -> None:
    assert refused(text) == found


@pytest.mark.parametrize("text", ["", "{}", "{}[5m]", "sum(rate({}[5m]))", "# nothing", "a[0s]", "a{", "a b"])
def test_what_is_no_query_is_refused(text: str) -> None:
    assert refused(text).startswith("broken PromQL")


@pytest.mark.parametrize("bound", ["0.5", "1", "1.0", "+Inf", "Inf", "1e+06", "-2.5", ".5"])
def test_bounds_that_exporters_write_are_read(bound: str) -> None:
    query = read_query(f'a_bucket{{le="{bound}"}}', "counter")
    assert isinstance(query, Counter)
    assert alone(Stream(query), Increase(300))


@pytest.mark.parametrize("value", [float("inf"), float("-inf"), float("nan"), 0.0, 1e300])
def test_every_number_has_a_spelling(value: float) -> None:
    assert le_spellings(value)


def test_a_comment_does_not_swallow_what_we_write_behind_it() -> None:
    query = read_query('sum(rate(a{b="# no"}[$window])) # $window of (a', "not a counter")
    assert alone(Stream(query), Increase(300)) == '(sum(rate(a{b="# no"}[5m])))'


def test_a_metric_named_by_its_label_is_that_metric() -> None:
    assert read_query('{__name__="a",b="c"}', "counter") == read_query('a{b="c"}', "counter")


@pytest.mark.parametrize("text", ['{"http.requests","route name"="x"}', '{__name__="http.requests"}'])
def test_names_with_dots_and_blanks_are_written_so_that_they_can_be_read(text: str) -> None:
    query = read_query(text, "counter")
    assert isinstance(query, Counter)
    assert query.selector.metric == "http.requests"
    assert read_query(str(query.selector), "counter") == query


PIECES = (
    "sum(", "rate(", "by (region) ", "scalar(", "a", "b_bucket", "{", "}", "(", ")", "[5m]", "[$window]",
    "[5m:1m]", 'le="1"', 'x="y"', 'x=~"("', ",", " ", "+", "-", "/", " or ", "1", '"', "'", "`", "#", "\n",
    "\\", "@ 1", "offset 5m", "[100ms]", "$window", "é", "\ud800", "\0", "bool", "without ()",
    "quantile(0.9,", "[1d]",
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES), max_size=12).map("".join) | st.text(max_size=40),
    st.sampled_from([None, "region"]),
)
def test_whatever_is_read_is_asked_in_promql(text: str, group_by: str | None) -> None:
    try:
        query = read_query(text, "counter", group_by)
    except BadQuery:
        return
    for question in (Increase(300), Newest()):
        if asked := alone(Stream(query), question):
            promql_parser.parse(asked)


@pytest.mark.parametrize(
    "text",
    [
        "a_total",
        'a_bucket{le="0.5"}',
        '{"a.b",d="c",x!~"y"}',
        "sum(rate(a[$window])) # all of it",
        "sum by (region) (increase(a[5m]))",
        "sum(rate(a[5m])) or vector(0)",
        "sum_over_time(a[$window:1m])",
        "-sum(increase(a[1d]))",
    ],
)
def test_each_shape_is_asked_in_promql(text: str) -> None:
    query = read_query(text, "counter")
    for question in (Increase(300), Newest()):
        if asked := alone(Stream(query), question):
            promql_parser.parse(asked)
