"""The status document, the verdict and the order, which scripts and the first frame rely on."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelwatch.workspace.errors import UnknownResult
from slo.durations import name, parse, spell
from slo.snapshot import WINDOWS, ObjectiveReading, Snapshot, State, Trend, in_order
from slo.status import from_json, to_json
from slo.verdict import verdict
from tests.slo.made import always, reading

BURNING = reading(lambda window_s: (0.02 * min(window_s, 7200), window_s))
CALM = replace(reading(lambda window_s: (0.0, window_s)), name="calm", region="west")
BLIND = replace(reading(lambda _: (None, None)), name="blind", region="east")
TICKET = replace(reading(lambda window_s: (0.0035 * min(window_s, 5 * 86400), window_s)), name="slow")

counts = st.one_of(st.none(), st.floats(0, 1e12, allow_nan=False))


def snapshot(*readings: ObjectiveReading) -> Snapshot:
    return Snapshot(0.0, "prod", "test", in_order(readings))


@given(st.lists(st.tuples(counts, counts), min_size=1, max_size=4))
def test_every_snapshot_comes_back_from_its_json(pairs: list[tuple[float | None, float | None]]) -> None:
    readings = [replace(reading(always(*pair)), name=f"o{index}") for index, pair in enumerate(pairs)]
    before = replace(snapshot(*readings), warnings=("careful",), source_error="gone", fresh_s=1.5)
    text = json.dumps(to_json(before), allow_nan=False)
    assert from_json(json.loads(text)) == before


def test_the_document_has_the_fixed_names() -> None:
    document = to_json(snapshot(BURNING, BLIND))
    assert document["schema"] == "keelwatch/status/1"
    assert {"at", "environment", "verdict", "fresh_s", "objectives"} <= document.keys()
    objectives = document["objectives"]
    assert isinstance(objectives, list)
    fixed = {"name", "component", "region", "target", "state", "trend", "budget_remaining", "burn"}
    fixed |= {"empty_in_s", "unknown_reason"}
    for one in objectives:
        assert fixed <= one.keys()
        assert tuple(one["burn"]) == WINDOWS
    burning, blind = objectives
    assert burning["region"] is None
    assert burning["state"] == "page"
    assert blind["budget_remaining"] is None
    assert blind["burn"]["1h"] is None
    assert blind["unknown_reason"] == "no samples"


@pytest.mark.parametrize(
    "document",
    [None, [], {}, {"schema": "keelwatch/status/2"}, {"schema": "keelwatch/status/1"}, "text", 7],
)
def test_anything_else_is_no_snapshot(document: object) -> None:
    with pytest.raises(UnknownResult):
        from_json(document)


def test_keys_of_a_later_version_are_left_alone() -> None:
    before = snapshot(BURNING, BLIND)
    document = json.loads(json.dumps(to_json(before)))
    document |= {"summary": "all is lost", "next": {"version": 2}}
    document["objectives"][0] |= {"weather": "grey"}
    document["objectives"][0]["pairs"][0] |= {"weather": "grey"}
    assert from_json(document) == before


def test_a_document_says_what_is_approximate_and_an_older_one_need_not() -> None:
    rough = snapshot(replace(BURNING, approximate=True))
    document = json.loads(json.dumps(to_json(rough)))
    assert document["objectives"][0]["approximate"] is True
    assert from_json(document) == rough

    del document["objectives"][0]["approximate"]
    assert from_json(document) == snapshot(BURNING)


def test_a_damaged_cache_is_no_snapshot() -> None:
    document = json.loads(json.dumps(to_json(snapshot(BURNING))))
    for key in document["objectives"][0].keys() - {"unknown_reasons"}:
        broken = json.loads(json.dumps(document))
        broken["objectives"][0][key] = {"not": "this"}
        with pytest.raises(UnknownResult):
            from_json(broken)


def test_the_most_urgent_comes_first_and_unknown_is_never_among_the_good() -> None:
    found = in_order((CALM, TICKET, BLIND, BURNING))
    assert [one.state for one in found] == [State.PAGE, State.UNKNOWN, State.TICKET, State.OK]


def test_pages_are_ordered_by_time_to_empty() -> None:
    soon, later = replace(BURNING, name="z", empty_in_s=60.0), replace(BURNING, name="a", empty_in_s=3600.0)
    assert [one.name for one in in_order((later, soon))] == ["z", "a"]


def test_the_verdict_counts_states_and_names_the_most_urgent() -> None:
    worse = replace(BURNING, name="worse", empty_in_s=60.0, trend=Trend.INCREASING)
    found = verdict(snapshot(BURNING, CALM, BLIND, worse, replace(TICKET, trend=Trend.INCREASING)))
    assert found.worst is State.PAGE
    assert found.counts == {State.PAGE: 2, State.TICKET: 1, State.OK: 1, State.UNKNOWN: 1}
    assert found.first == worse
    assert found.rising == 2


@pytest.mark.parametrize(
    ("readings", "word"),
    [
        ((CALM,), "pass"),
        ((CALM, TICKET), "pass: ticket"),
        ((CALM, TICKET, BLIND), "inconclusive: unknown"),
        ((CALM, BLIND, BURNING), "fail: page"),
        ((), "inconclusive: unknown"),
    ],
)
def test_a_verdict_is_as_bad_as_its_worst(readings: tuple[ObjectiveReading, ...], word: str) -> None:
    assert verdict(snapshot(*readings)).word == word


def test_without_objectives_nobody_comes_first() -> None:
    found = verdict(snapshot())
    assert (found.first, found.rising, sum(found.counts.values())) == (None, 0, 0)


@given(st.integers(1, 10**8))
def test_a_length_of_time_reads_back(seconds: int) -> None:
    assert parse(name(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "0s", "5", "m5", "1M", "5m ", "-5m", "5m3h", "1.5h"])
def test_no_length_of_time(text: str) -> None:
    with pytest.raises(ValueError, match="length of time"):
        parse(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.4, "now"), (45, "45s"), (90, "1m 30s"), (3600, "1h"), (15_000, "4h 10m"), (86_460, "1d")],
)
def test_times_are_spelled_in_two_units(seconds: float, text: str) -> None:
    assert spell(seconds) == text


@pytest.mark.parametrize("module", ["slo", "slo.snapshot", "slo.status", "slo.verdict"])
def test_the_first_frame_loads_no_client(module: str) -> None:
    heavy = "('pydantic', 'ruamel', 'requests', 'prometheus_api_client', 'promql_parser', 'sqlite3')"
    code = f"import sys, {module}; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
