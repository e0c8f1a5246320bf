"""Filling in names, and writing down what is filled in later: nothing a server says becomes a name."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelwatch.workspace.document import Plain
from keelwatch.workspace.secret import Secret
from probes.names import (
    BUILT_IN,
    Names,
    UnsetName,
    filled,
    filled_regex,
    filled_text,
    lone_dollars,
    names_in,
    recorded,
    recorded_regex,
)

PASSWORD = Secret("correct-horse")
SECRETS = {
    "account.password": PASSWORD,
    "secret.api": Secret("first-key"),
    "secret.api_key": Secret("other-key"),
}

texts = st.text(alphabet="ab_{}$.\\'1 ", max_size=8) | st.sampled_from(
    ["$account.password", "${account.password}", "$$", "_key", "${}", "$secret.api_key", "present"]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | texts,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(texts | st.sampled_from(["pick", "not"]), inner, max_size=3)
    ),
    max_leaves=6,
)
parts = st.sampled_from(
    ["$a", "$b", "${a}", "$account.password", "$secret.api", "$$", "x", "-", "${secret.api}"]
)
templates = st.recursive(
    st.lists(parts, max_size=5)
    .map("".join)
    .filter(lambda text: not set(names_in(text)) - {*SECRETS, "a", "b"}),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["k", "$a", "pick-$b", "l"]), inner, max_size=2)
        | st.fixed_dictionaries({"pick": st.lists(inner, max_size=3), "not": inner})
    ),
    max_leaves=5,
)


@given(templates, values, values)
def test_what_is_recorded_and_filled_later_is_what_was_filled(template: Plain, a: Plain, b: Plain) -> None:
    now = {**SECRETS, "a": a, "b": b}

    assert filled(recorded(template, now), SECRETS) == filled(template, now)


@given(templates, values, values)
def test_no_value_smuggles_the_name_of_a_secret_into_a_record(template: Plain, a: Plain, b: Plain) -> None:
    named = {name for name in names_in(template) if name in SECRETS}

    assert set(names_in(recorded(template, {**SECRETS, "a": a, "b": b}))) <= named


@given(templates, values)
def test_a_record_never_holds_a_secret(template: Plain, a: Plain) -> None:
    found = str(recorded(template, {**SECRETS, "a": a, "b": "b"}))

    assert not any(secret.reveal() in found for secret in SECRETS.values())


@given(
    st.sampled_from(["^$a$", "x=$a;", "${a}b", "[$a]z", "$a|$b"]),
    st.text(min_size=1, max_size=6),
    st.text(max_size=6),
)
def test_in_an_expression_a_value_matches_itself_alone(expression: str, a: str, b: str) -> None:
    now = {"a": a, "b": b}

    found = re.compile(filled_regex(expression, now))

    assert filled_regex(recorded_regex(expression, now), {}) == found.pattern
    if expression == "^$a$":
        assert found.search(a)
        assert not found.search(a + "x")


def test_a_secret_in_a_recorded_expression_stays_a_name() -> None:
    found = recorded_regex("$account.password$a", {**SECRETS, "a": "x"})

    assert found == "${account.password}x"
    assert filled_regex(found, SECRETS) == re.escape("correct-horse") + "x"


def test_a_whole_name_keeps_its_type_and_a_part_becomes_text() -> None:
    names: Names = {"n": 3, "flag": True, "none": None, "list": [1]}

    assert filled({"a": "$n", "b": "n=$n", "c": "$list", "d": "${n}x"}, names) == {
        "a": 3, "b": "n=3", "c": [1], "d": "3x",
    }  # fmt: skip
    assert filled_text("$flag/$none/$$n", names) == "true//$n"


def test_the_first_choice_that_is_not_taken_is_picked() -> None:
    pick: Plain = {"pick": ["basic", "plus"], "not": "$old"}

    assert filled(pick, {"old": "basic"}) == "plus"
    assert filled(pick, {"old": "max"}) == "basic"
    assert filled({"pick": ["basic"], "not": "$old"}, {"old": "basic"}) is None
    assert filled({"pick": 1, "other": 2}, {}) == {"pick": 1, "other": 2}


def test_a_secret_is_revealed_where_it_is_sent_and_named_where_it_is_written_down() -> None:
    body: Plain = {"password": "$account.password", "picked": {"pick": ["$account.password"]}}

    assert filled(body, SECRETS) == {"password": "correct-horse", "picked": "correct-horse"}
    assert recorded(body, SECRETS) == {"password": "${account.password}", "picked": "${account.password}"}


def test_an_unset_name_is_an_error_and_says_which() -> None:
    for work in (filled, recorded):
        with pytest.raises(UnsetName, match=r"\$plan has no value"):
            work({"a": ["$plan"]}, {})


def test_the_names_of_a_value_are_found_in_keys_and_values() -> None:
    value: Plain = {"$a": ["$account.name/${b}", "$$c", 3], "x": "$run.id-1"}

    assert list(names_in(value)) == ["a", "account.name", "b", "run.id"]


@pytest.mark.parametrize(
    ("text", "lone"),
    [
        ("$", True),
        ("a$", True),
        ("$5", True),
        ("$A", True),
        ("${A}", True),
        ("$$", False),
        ("$a", False),
        ("", False),
    ],
)
def test_a_dollar_that_begins_no_name_is_lone(text: str, *, lone: bool) -> None:
    assert lone_dollars(text) is lone


def test_every_built_in_name_is_read_as_one_name() -> None:
    for name in BUILT_IN:
        assert list(names_in(f"x${name}-y")) == [name]
