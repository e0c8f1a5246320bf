"""Bad events by the labels that tell errors apart: one way to count them for every face."""

from __future__ import annotations

from dataclasses import replace

from slo.objective import Ratio, track
from slo.promql import Counter, read_query
from slo.reasons import MOST, bad_by, question
from tests.slo.made import objective, selector, tracked


def test_bad_events_are_counted_by_the_labels_asked_for() -> None:
    assert bad_by(tracked(), ("code", "route")) == "sum by (code, route) (increase(part_total{}[15m]))"
    assert (question(tracked()) or "").startswith(f"topk({MOST}, sum by (code, status, ")


def test_of_good_events_the_bad_are_what_is_left_of_all() -> None:
    (one,) = track(objective(part_is="good"), ())
    whole = "sum by (code) (increase(events_total{}[15m]))"
    assert (
        bad_by(one, ["code"]) == f"{whole} - (sum by (code) (increase(part_total{{}}[15m])) or {whole} * 0)"
    )
    assert question(one) is None


def test_a_bound_is_asked_for_in_every_spelling() -> None:
    ratio = Ratio(Counter(selector("x_bucket", le="1")), "good", Counter(selector("x_bucket", le="+Inf")))
    (one,) = track(replace(objective(), ratio=ratio), ())
    assert r'le=~"1|1\\.0"' in (bad_by(one, ["code"]) or "")
    assert r'le=~"\\+Inf"' in (bad_by(one, ["code"]) or "")


def test_an_expression_has_labels_that_nobody_knows() -> None:
    query = read_query("sum(rate(a[5m]))", "not a counter")
    (one,) = track(replace(objective(), ratio=Ratio(query, "bad", query)), ())
    assert bad_by(one, ["code"]) is None
    assert question(one) is None
