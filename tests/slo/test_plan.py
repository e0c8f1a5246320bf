"""A thousand objectives in a handful of queries, each row of the answers given back to its owner."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slo.objective import Stream, stream
from slo.plan import MAX_QUERY_BYTES, TERM, Increase, Newest, alone, pack, split, terms
from slo.promql import Counter, read_query
from slo.selector import Matcher, Op, Selector, duration, le_spellings, literal, quoted
from tests.slo.made import selector

FIVE = Increase(300.0)


def of(metric: str, **equal: str) -> Stream:
    return Stream(Counter(selector(metric, **equal)))


def test_selectors_that_differ_in_values_alone_are_one_term() -> None:
    streams = [of("all", route=route, region=region) for route in ("a", "b") for region in ("w", "e")]
    (term,) = terms(streams, [FIVE])
    assert term.text == 'sum by (region,route) (increase(all{region=~"e|w",route=~"a|b"}[5m]))'
    assert term.owner({"region": "e", "route": "b"}) == streams[3]
    assert term.owner({"region": "n", "route": "b"}) is None


def test_a_value_all_have_in_common_stays_an_equality() -> None:
    (term,) = terms([of("all", route=route, traffic="real") for route in ("a", "b")], [FIVE])
    assert term.text == 'sum by (route) (increase(all{route=~"a|b",traffic="real"}[5m]))'


def test_other_matchers_keep_streams_apart() -> None:
    bad = Selector("all", (Matcher("code", Op.REGEX, "5.."), Matcher("route", Op.EQUAL, "a")))
    assert len(terms([of("all", route="a"), Stream(Counter(bad))], [FIVE])) == 2


def test_the_newest_sample_is_asked_of_the_same_family() -> None:
    (term,) = terms([of("all", route="a"), of("all", route="b")], [Newest()])
    assert term.text == 'max by (route) (timestamp(all{route=~"a|b"}))'


def test_bounds_are_asked_in_every_spelling_and_owned_by_their_number() -> None:
    (term,) = terms([of("s_bucket", le="1"), of("s_bucket", le="0.5")], [FIVE])
    assert 'le=~"0\\\\.5|1|1\\\\.0"' in term.text
    assert term.owner({"le": "1.0"}) == term.owner({"le": "1"}) == of("s_bucket", le="1")


def test_a_thousand_objectives_are_a_handful_of_queries_of_bounded_size() -> None:
    streams = [of(metric, slo=f"journey-{number:04d}") for metric in ("bad", "all") for number in range(1000)]
    questions = [Increase(float(seconds)) for seconds in (300, 1800, 3600, 7200, 21600, 437)]
    packed = pack(terms(streams, questions))
    assert len(packed) <= 26
    assert all(len(one.text.encode()) <= MAX_QUERY_BYTES for one in packed)
    assert sum(len(term.members) for one in packed for term in one.terms) == 12_000


def test_a_dozen_objectives_are_one_query() -> None:
    streams = [of(metric, slo=f"journey-{number:04d}") for metric in ("bad", "all") for number in range(12)]
    assert len(pack(terms(streams, [Increase(float(seconds)) for seconds in (300, 1800, 3600)]))) == 1


def test_a_refused_query_can_be_halved_down_to_one_term() -> None:
    (packed,) = pack(terms([of("a"), of("b"), of("c")], [FIVE]))
    halves = split(packed)
    assert [len(half.terms) for half in halves] == [1, 2]
    assert split(halves[0]) == ()


def test_a_row_nobody_asked_for_has_no_owner() -> None:
    (packed,) = pack(terms([of("a", job="x"), of("a", job="y")], [FIVE]))
    assert packed.owner({TERM: "0", "job": "x"}) is not None
    for labels in ({}, {TERM: "7"}, {TERM: "-1"}, {TERM: "0", "job": "z"}, {TERM: "x"}):
        assert packed.owner(labels) is None


def test_an_expression_gets_its_window_and_its_label() -> None:
    query = read_query("sum by (region) (rate(all[$window]))", "not a counter", "region")
    west, east = (stream(query, "region", region) for region in ("west", "east"))
    (term,) = terms([west, east], [FIVE])
    assert term.text == "(sum by (region) (rate(all[5m])))"
    assert term.owner({"region": "east"}) == east
    assert alone(west, FIVE).endswith('# where region="west"')


def test_a_fixed_range_is_summed_over_its_own_multiples() -> None:
    query = read_query("sum(increase(all[5m]))", "not a counter")
    assert alone(Stream(query), Increase(3600.0)) == (
        "sum_over_time((sum(increase(all[5m])))[3599s999ms:5m])"
    )


@given(st.text(max_size=20))
def test_any_value_survives_quoting(value: str) -> None:
    parsed = read_query(f"m{{a={quoted(value)}}}", "counter")
    assert isinstance(parsed, Counter)
    assert parsed.selector.equals("a") == value


@given(st.text(max_size=20), st.text(max_size=20))
def test_a_literal_matches_itself_and_nothing_else(value: str, other: str) -> None:
    pattern = re.compile(literal(value), re.DOTALL)
    assert pattern.fullmatch(value)
    assert bool(pattern.fullmatch(other)) == (value == other)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(300, "5m"), (3600, "1h"), (437, "437s"), (300.001, "300s1ms"), (86400, "1d"), (0.25, "250ms")],
)
def test_a_range_is_written_to_the_millisecond(seconds: float, text: str) -> None:
    assert duration(seconds) == text


@pytest.mark.parametrize(
    ("value", "spellings"),
    [
        (1.0, ("1", "1.0")),
        (0.25, ("0.25",)),
        (1e6, ("1000000", "1000000.0", "1e+06")),
        (float("inf"), ("+Inf",)),
    ],
)
def test_how_exporters_spell_a_bound(value: float, spellings: tuple[str, ...]) -> None:
    assert le_spellings(value) == spellings
