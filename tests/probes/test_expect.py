"""What an answer must be: every expectation, met and unmet."""

from __future__ import annotations

import json
from typing import Any

import pytest

from keelwatch.workspace.document import Plain
from keelwatch.workspace.secret import Secret
from probes.answer import Answer
from probes.expect import all_ok, check, recorded_expect, same
from probes.names import Names
from probes.record import Check
from probes.spec import Expect
from tests.probes.made import answer, hop

BODY = {
    "plan": "basic",
    "n": 3,
    "big": 10**17 + 1,
    "flag": True,
    "null": None,
    "items": [{"id": 1.5}],
    "word": "absent",
}
DAY = 86_400.0


def expect(**given: Any) -> Expect:
    return Expect.model_validate_json(json.dumps(given))


def judged(given: Expect, found: Answer, names: Names | None = None) -> tuple[Check, ...]:
    return check(given, found, names or {}, 0.0)


def unmet(given: Expect, found: Answer, names: Names | None = None) -> list[tuple[str, str, str]]:
    return [(one.what, one.expected, one.found) for one in judged(given, found, names) if not one.ok]


@pytest.mark.parametrize(
    ("path", "wanted", "ok"),
    [
        ("plan", "basic", True),
        ("plan", "plus", False),
        ("n", 3, True),
        ("n", 3.0, True),
        ("n", "3", False),
        ("flag", True, True),
        ("flag", 1, False),
        ("n", True, False),
        ("big", 10**17 + 1, True),
        ("big", 10**17, False),
        ("null", None, True),
        ("null", "absent", True),
        ("gone", "absent", True),
        ("gone", None, True),
        ("plan", "absent", False),
        ("plan", "present", True),
        ("gone", "present", False),
        ("word", {"is": "absent"}, True),
        ("plan", {"not": "plus"}, True),
        ("gone", {"not": "plus"}, False),
        ("gone", {"is": None}, True),
        ("plan", {"one_of": ["plus", "basic"]}, True),
        ("n", {"one_of": ["3"]}, False),
        ("plan", {"regex": "^ba"}, True),
        ("n", {"regex": "3"}, False),
        ("n", {"at_least": 3, "at_most": 3}, True),
        ("n", {"at_least": 4}, False),
        ("flag", {"at_least": 0}, False),
        ("plan", {"at_least": 0}, False),
        ("items", [{"id": 1.5}], True),
        ("items", [{"id": 1.5, "x": 1}], False),
        ("items[0]", {"is": {"id": 1.5}}, True),
        ("length(items)", 1, True),
        ("length(n)", 1, False),
        ("items[", 1, False),
    ],
)
def test_a_value_of_the_body_is_judged(path: str, wanted: object, *, ok: bool) -> None:
    assert all_ok(judged(expect(json={path: wanted}), answer(BODY))) is ok


@pytest.mark.parametrize(
    ("wanted", "ok"),
    [
        ("5", True),
        (5, True),
        (5.0, True),
        (6, False),
        ({"at_least": 5}, True),
        ({"at_most": 4}, False),
        ({"regex": "^5$"}, True),
        ({"one_of": [4, 5]}, True),
        ({"one_of": ["5"]}, True),
        ("present", True),
        ("absent", False),
    ],
)
def test_a_header_is_a_text_and_a_number_where_one_is_wanted(wanted: object, *, ok: bool) -> None:
    assert all_ok(judged(expect(headers={"X-Left": wanted}), answer("", headers={"x-left": "5"}))) is ok


@pytest.mark.parametrize(
    ("wanted", "status", "ok"),
    [
        (None, 204, True),
        (None, 302, False),
        (404, 404, True),
        (404, 200, False),
        ([200, 202], 202, True),
        ([200], 500, False),
    ],
)
def test_without_a_status_any_of_200_to_299_passes(wanted: object, status: int, *, ok: bool) -> None:
    given = expect() if wanted is None else expect(status=wanted)

    assert all_ok(judged(given, answer("", status))) is ok


def test_what_a_name_stands_for_is_a_value_and_never_an_operator() -> None:
    given = expect(json={"plan": "$old"})

    values: list[Plain] = ["absent", "present", {"not": "x"}, {"pick": ["basic"]}]
    for value in values:
        assert not all_ok(judged(given, answer(BODY), {"old": value}))
        assert all_ok(judged(given, answer({"plan": value}), {"old": value}))


def test_a_name_in_an_expression_matches_literally() -> None:
    names = {"tag": "a.c(["}

    assert all_ok(judged(expect(regex="^<$tag>$"), answer("<a.c([>"), names))
    assert not all_ok(judged(expect(regex="^<$tag>$"), answer("<abc([>"), names))
    assert all_ok(judged(expect(json={"x": {"regex": "$tag$"}}), answer({"x": "a.c(["}), names))


def test_an_unset_name_is_a_failed_check_and_no_crash() -> None:
    given = expect(headers={"x": "$a"}, json={"x": "$a", "$a": 1}, regex="$a")

    assert [found for _, _, found in unmet(given, answer({}))] == ["$a has no value"] * 4


@pytest.mark.parametrize("body", [b"<html>", b"", b"\xff\xfe", b"[" * 5000, b"NaN", b"[" * 300 + b"]" * 300])
def test_a_body_that_is_not_json_fails_and_says_so(body: bytes) -> None:
    for given in (expect(json={"a": "absent"}), expect(schema={})):
        ((_, _, found),) = unmet(given, answer(body))
        assert found.startswith("a body that is not JSON")


def test_a_body_is_searched_for_what_must_and_must_not_be_there() -> None:
    assert unmet(expect(regex="b+"), answer("abba")) == []
    assert unmet(expect(regex="z"), answer("abba")) == [("body", "/z/", "abba")]
    assert unmet(expect(not_regex="(?i)PASSWORD"), answer("your password")) == [
        ("body", "no /(?i)PASSWORD/", "password")
    ]


def test_a_schema_says_where_the_body_does_not_fit() -> None:
    given = expect(schema={"properties": {"n": {"type": "string"}}})

    assert unmet(given, answer(BODY)) == [("schema", "a body that fits it", "$.n: 3 is not of type 'string'")]


def test_a_schema_never_asks_another_host() -> None:
    ((_, _, found),) = unmet(expect(schema={"$ref": "http://127.0.0.1:9/x.json"}), answer({}))

    assert found.startswith("a schema that cannot be used")


def test_our_own_lateness_breaks_no_limit_on_the_whole_hop() -> None:
    late = hop(phases={"wait": 100.0, "unaccounted": 234.0})

    assert unmet(expect(phases={"total": "<150ms"}), answer(hops=(late,))) == []
    assert unmet(expect(phases={"total": "<90ms"}), answer(hops=(late,))) == [
        ("phase total", "<90ms", "100ms")
    ]


def test_a_phase_over_its_limit_fails_and_one_that_was_not_measured_in_peace_is_not_judged() -> None:
    slow, late = hop(phases={"wait": 200.0}), hop(phases={"wait": 200.0}, tainted=True)

    assert unmet(expect(phases={"wait": "<150ms"}), answer(hops=(slow,))) == [
        ("phase wait", "<150ms", "200ms")
    ]
    assert unmet(expect(phases={"wait": "<0.3s", "tls": "<1ms"}), answer(hops=(slow,))) == []
    assert unmet(expect(phases={"wait": "<150ms"}), answer(hops=(late,))) == []
    assert unmet(expect(phases={"total": "<300ms"}), answer(hops=(slow, slow))) == [
        ("phase total", "<300ms", "400ms")
    ]
    assert unmet(expect(phases={"total": "<300ms"}), answer(hops=(late, slow))) == []


def test_a_certificate_must_hold_long_enough() -> None:
    given = expect(tls_expires=">14d")

    assert unmet(given, answer(hops=(hop(tls_expires=15 * DAY),))) == []
    assert unmet(given, answer(hops=(hop(tls_expires=13 * DAY),))) == [("tls expires", ">14d", "in 13.0d")]
    assert unmet(given, answer()) == [("tls expires", ">14d", "a connection without TLS")]


def test_an_expectation_that_is_written_down_is_judged_alike_later() -> None:
    names: Names = {"old": "absent", "tag": "a.c", "n": 3, "list": {"not": 1}}
    given = expect(
        json={
            "old": "$old",
            "n": {"at_least": "$n"},
            "gone": "absent",
            "list": "$list",
            "t": {"regex": "^$tag$"},
        },
        headers={"x-$n": "y", "Etag": "$tag"},
        regex="$tag",
        schema={"$ref": "#/$defs/x", "$defs": {"x": True}},
    )
    later = Expect.model_validate_json(json.dumps(recorded_expect(given, names)))
    good = {"old": "absent", "n": 3, "list": {"not": 1}, "t": "a.c"}
    headers = {"x-$n": "y", "x-3": "y", "etag": "a.c"}

    for body in (good, good | {"old": "basic"}, good | {"t": "abc"}, good | {"list": 2}, good | {"gone": 1}):
        now = [one.ok for one in judged(given, answer(body, headers=headers), names)]
        assert [one.ok for one in judged(later, answer(body, headers=headers))][: len(now)] == now
    assert later.schema_ == given.schema_


def test_a_secret_in_what_is_written_down_stays_a_name() -> None:
    found = recorded_expect(
        expect(json={"a": "x-$account.password"}), {"account.password": Secret("correct-horse")}
    )

    assert found == {"json": {"a": {"is": "x-${account.password}"}}}


def test_numbers_are_equal_as_in_json() -> None:
    assert same(1, 1.0)
    assert same(0.1 + 0.2, 0.3)
    assert not same(10**20, 10**20 + 1)
    assert not same([True], [1])
    assert not same(10**400, 1.0)
