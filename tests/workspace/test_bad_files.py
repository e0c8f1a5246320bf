"""Every way in which a file can be wrong ends in file, line, column, found and expected."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelwatch.workspace import InputError, Problem
from keelwatch.workspace.document import FLOW_STYLE, load, load_all, read_all, resolve_plain
from keelwatch.workspace.reader import SomeTime, StrictModel, read
from keelwatch.workspace.workspace import load_workspace

GOOD = """\
keelwatch: 1
environments:
  prod:
    prometheus: {url: "https://prometheus.example:9090", bearer: env:TOKEN}
    regions: [west, east]
components:
  portal: {owner: team-portal, tier: 1, depends_on: [identity]}
  identity: {owner: team-identity, tier: 1}
"""


def problems_of(path: Path) -> list[tuple[int, int, str, str, str]]:
    with pytest.raises(InputError) as caught:
        load_workspace(path)
    for problem in caught.value.problems:
        assert problem.file == path
        assert str(problem).startswith(f"{path}:{problem.line}:{problem.column}: found ")
    return [(p.line, p.column, p.found, p.expected, p.did_you_mean) for p in caught.value.problems]


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "keelwatch.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_good_workspace_loads(tmp_path: Path) -> None:
    workspace = load_workspace(written(tmp_path, GOOD))

    assert workspace.environment(None)[0] == "prod"
    assert list(workspace.components) == ["portal", "identity"]
    assert workspace.folders["slo"] == tmp_path / "slo"


@pytest.mark.parametrize(
    ("text", "line", "column", "found"),
    [
        pytest.param("", 1, 1, "an empty file", id="empty"),
        pytest.param("  \n \n", 1, 1, "an empty file", id="blank"),
        pytest.param("# later\n", 1, 1, "an empty file", id="comments"),
        pytest.param("---\n# later\n", 1, 1, "an empty document", id="empty document"),
        pytest.param("a: 1\n---\n", 2, 1, "an empty document", id="empty second document"),
        pytest.param(b"a: \xff\n", 1, 4, "the byte 0xff, which is not UTF-8", id="not utf-8"),
        pytest.param("ä: 1\nb: \0\n", 2, 4, "a NUL byte", id="nul"),
        pytest.param("a: 1\nb: \x07\n", 2, 4, "a control character", id="control character"),
        pytest.param(
            "a: 1\nb: 2\na: 3\n", 3, 1, "the key 'a' a second time (first at line 1)", id="duplicate"
        ),
        pytest.param("a: &x [1]\nb: *x\n", 2, 4, "an alias", id="alias"),
        pytest.param("a: !!python/object x\n", 1, 4, "a tag", id="tag"),
        pytest.param("1: a\n", 1, 1, "the key 1, which is not text", id="number as a key"),
        pytest.param("[a]: b\n", 1, 1, "a list or mapping as a key", id="list as a key"),
        pytest.param("a: .inf\n", 1, 4, ".inf", id="infinite"),
        pytest.param('a: 1\nb: "x\\ud800"\n', 2, 4, "\\ud800, which is half of a character", id="surrogate"),
        pytest.param(
            'a: [b, "\\U0000dfff"]\n', 1, 8, "\\udfff, which is half of a character", id="in a list"
        ),
        pytest.param('a: 1\n"\\udc00": 2\n', 2, 1, "\\udc00, which is half of a character", id="as a key"),
        pytest.param(
            'a: "\\ude00\\ud83d"\n', 1, 4, "\\ude00, which is half of a character", id="the wrong way round"
        ),
        pytest.param("a: [1\n", 2, 1, "broken YAML", id="open bracket"),
        pytest.param("a:\n\t- b\n", 2, 1, "broken YAML", id="tab"),
        pytest.param("%YAML 1.1\n---\na: no\n", 2, 1, "a %YAML 1.1 directive", id="yaml 1.1"),
        pytest.param("a: 1\n---\nb: 2\n", 3, 1, "a second document", id="two documents"),
        pytest.param("[" * 100_000, 1, 41, "nesting too deep", id="deep"),
        pytest.param("a: [" + "1," * 60_000 + "]", 1, 1, "too many values", id="wide"),
        pytest.param("# " + "x" * 1_100_000, 1, 1, "a file over 1 MiB", id="large"),
    ],
)
def test_broken_yaml_names_its_place(
    tmp_path: Path, text: str | bytes, line: int, column: int, found: str
) -> None:
    first = problems_of(written(tmp_path, text))[0]

    assert first[2].startswith(found)
    assert first[0] == line
    if found != "too many values":
        assert first[1] == column


def test_half_a_character_is_refused_where_it_stands_and_says_what_would_be_right(tmp_path: Path) -> None:
    (found,) = problems_of(written(tmp_path, GOOD.replace("team-portal", '"\\ud800"')))

    assert found[:2] == (7, 19)
    assert found[3] == "whole characters, like \\u00e9 or \\U0001f600"


def test_an_escaped_pair_is_one_character_as_in_json(tmp_path: Path) -> None:
    assert load(written(tmp_path, '"\\ud83d\\ude00": "\\uD83D\\uDE00!"')).data == {
        "\U0001f600": "\U0001f600!"
    }


def test_an_alias_bomb_is_refused_before_it_grows(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"]
    lines += [f"a{n}: &a{n} [*a{n - 1}, *a{n - 1}, *a{n - 1}]" for n in range(1, 60)]
    began = time.monotonic()

    with pytest.raises(InputError) as caught:
        load(written(tmp_path, "\n".join(lines)))

    assert {one.found for one in caught.value.problems} == {"an alias"}
    assert time.monotonic() - began < 5


@pytest.mark.parametrize(
    "secret", ["!hunter2secret", "!hunter2secret word", "!hunter2!secret", "!!hunter2 x"]
)
def test_an_unquoted_secret_that_reads_like_a_tag_is_not_repeated(tmp_path: Path, secret: str) -> None:
    found = problems_of(written(tmp_path, GOOD.replace("env:TOKEN}", f"\n      {secret} }}")))

    assert found[0][0] == 5
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (
            "keelwatch: 1\n",
            "keelwatch: 1\nkeelwatch: 1\n",
            "the key 'keelwatch' a second time (first at line 1)",
        ),
        ("keelwatch: 1", "keelwatch: !!int 1", "a tag"),
        ("[west, east]", "[*west, east]", "an alias"),
        ("owner: team-portal", "owner: .nan", ".nan"),
        ("owner: team-portal", 'owner: "\\ud800"', "\\ud800, which is half of a character"),
        ("components:", "[a]: {b: c}\ncomponents:", "a list or mapping as a key"),
        ("components:", "*a : {b: c}\ncomponents:", "an alias"),
    ],
)
def test_what_yaml_may_not_hold_hides_nothing_else(tmp_path: Path, old: str, new: str, found: str) -> None:
    broken = GOOD.replace(old, new, 1).replace("[identity]", "[identiy]").replace("tier: 1}\n", "teir: 1}\n")

    told = [one[2] for one in problems_of(written(tmp_path, broken))]

    others = ["no such key", "the unknown key 'teir'", "the component 'identiy'"]
    assert [one for one in told if one != "'1'"] == [found, *others]  # `!!int 1` is a text with a tag


def test_documents_before_the_first_break_are_read(tmp_path: Path) -> None:
    documents, (broken,) = read_all(written(tmp_path, "a: 1\n---\nb: 2\n---\nc: [\n"))

    assert [one.data for one in documents] == [{"a": 1}, {"b": 2}]
    assert broken.line == 6


@pytest.mark.parametrize(
    ("text", "in_flow"),
    [("? [a, b]\n: c\n", False), ("[a]: b\n", False), ("? {a: b}\n: c\n", False), ("{[a]: b}\n", True),
     ("a: {{b}}\n", True), ("a: {b: [a-z]+}\n", True), ("a: 'b\n", False)],
)  # fmt: skip
def test_only_flow_style_is_told_how_to_quote_in_it(tmp_path: Path, text: str, in_flow: bool) -> None:  # noqa: FBT001 the expectation of the row
    _, problems = read_all(written(tmp_path, text))

    assert (problems[0].expected == FLOW_STYLE) is in_flow


def test_every_problem_of_a_file_is_named_at_once(tmp_path: Path) -> None:
    text = (
        GOOD.replace("tier: 1}\n", "teir: 1}\n")
        .replace("regions: [west", "regions: [West")
        .replace("h: 1", "h: 2")
    )

    found = problems_of(written(tmp_path, text))

    assert (1, 12, "2", "1", "") in found
    assert (5, 15, "'West'", "a name of a-z, 0-9 and inner dashes", "") in found
    assert (8, 36, "the unknown key 'teir'", "one of depends_on, owner, regions, tier", "tier") in found
    assert (8, 13, "no such key", "the key 'tier'", "") in found


def test_wrong_types_are_not_converted(tmp_path: Path) -> None:
    text = GOOD.replace("tier: 1, depends_on: [identity]", 'tier: "1", depends_on: identity')

    found = problems_of(written(tmp_path, text))

    assert [(line, what) for line, _, what, _, _ in found] == [(7, "'1'"), (7, "'identity'")]


def test_an_unknown_dependency_gets_a_suggestion(tmp_path: Path) -> None:
    found = problems_of(written(tmp_path, GOOD.replace("[identity]", "[identiy]")))

    assert found == [(7, 54, "the component 'identiy'", "a component of this file", "identity")]


def test_a_secret_written_by_value_is_refused_without_repeating_it(tmp_path: Path) -> None:
    (found,) = problems_of(written(tmp_path, GOOD.replace("env:TOKEN", "hunter2-hunter2")))

    assert found[2:4] == ("a value", "a reference: env:NAME, file:PATH or command:WORDS")
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("url", "found"),
    [
        ("https://me:hunter2@h:9090", "a URL with a user name or password in it"),
        ("https://hunter2@h", "a URL with a user name or password in it"),
        ("https://h/?token=hunter2", "a URL with a query or fragment"),
        ("https://h#hunter2", "a URL with a query or fragment"),
        ("https//me:hunter2@h", "a text that is no http:// or https:// URL with a host"),
        ("https://me:hunter2", "a text that is no URL"),
        ("https://", "a text that is no http:// or https:// URL with a host"),
        ("https://...", "a text that is no http:// or https:// URL with a host"),
        ("https://h/a b", "a URL with blanks in it"),
    ],
)
def test_a_url_holds_no_secret_and_what_is_wrong_with_it_is_said_without_it(
    tmp_path: Path, url: str, found: str
) -> None:
    (only,) = problems_of(written(tmp_path, GOOD.replace("https://prometheus.example:9090", url)))

    assert only == (4, 23, found, "a URL like https://prometheus.example:9090", "")


def test_a_text_in_place_of_a_mapping_is_not_repeated(tmp_path: Path) -> None:
    basic = GOOD.replace("bearer: env:TOKEN", "basic: me:hunter2")
    prometheus = GOOD.replace(
        '{url: "https://prometheus.example:9090", bearer: env:TOKEN}', "https://me:hunter2@h"
    )

    for text in (basic, prometheus):
        (found,) = problems_of(written(tmp_path, text))
        assert found[2] == "a text"


def test_rules_between_keys_are_told_together_with_wrong_keys_and_values(tmp_path: Path) -> None:
    text = (
        GOOD.replace("bearer: env:TOKEN", "bearer: env:TOKEN, basic: {username: me, password: hunter2}")
        .replace("[west, east]", "[west, west]")
        .replace("[identity]", "[identiy], regions: [north]")
        .replace("tier: 1}\n", "teir: 1}\n")
    )

    found = problems_of(written(tmp_path, text))

    assert (4, 17, "both", "either basic or bearer, not both", "") in found
    assert (5, 21, "the region 'west' a second time", "each region once", "") in found
    assert [one[2] for one in found if one[0] > 5] == [
        "no such key",
        "the unknown key 'teir'",
        "the component 'identiy'",
        "the region 'north'",
    ]
    assert [one[2] for one in found if one[0] == 4] == ["a value", "both"]


def test_a_name_ends_with_its_line(tmp_path: Path) -> None:
    (found,) = problems_of(written(tmp_path, GOOD.replace("[west, east]", '["west\\n"]')))

    assert found[3] == "a name of a-z, 0-9 and inner dashes"


def test_both_ways_in_or_none_are_refused(tmp_path: Path) -> None:
    both = GOOD.replace("    regions:", "    source: sandbox\n    regions:")
    none = GOOD.replace('    prometheus: {url: "https://prometheus.example:9090", bearer: env:TOKEN}\n', "")

    for text in (both, none):
        (found,) = problems_of(written(tmp_path, text))
        assert found[3] == "exactly one of `source: sandbox` and `prometheus`"


def test_a_folder_in_place_of_a_file_is_an_input_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="found a folder, expected a YAML file"):
        load(tmp_path)


def test_a_fifo_is_refused_without_waiting_for_its_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.yaml")

    with pytest.raises(InputError, match="found a FIFO, expected a YAML file"):
        load(tmp_path / "pipe.yaml")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("on", "on"), ("no", "no"), ("True", True), ("null", None), ("~", None), ("12", 12), ("0o17", 15),
        ("0x1F", 31), ("017", 17), ("1_000", "1_000"), ("1:30", "1:30"), ("1e3", 1000.0), (".5", 0.5),
        ("2026-11-22", "2026-11-22"), ("+3", 3), ("-0.25", -0.25), ("1.2.3", "1.2.3"), ("0b1", "0b1"),
    ],
)  # fmt: skip
def test_plain_scalars_follow_yaml_1_2(text: str, value: object) -> None:
    assert resolve_plain(text) == value
    assert type(resolve_plain(text)) is type(value)


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200) | st.binary(max_size=200))
def test_no_text_at_all_raises_anything_but_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, text: str | bytes
) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzzed.yaml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    problems: tuple[Problem, ...] = ()
    try:
        load_all(path)
    except InputError as error:
        problems = error.problems

    assert all(one.line >= 1 and one.column >= 1 for one in problems)


class Paced(StrictModel):
    every: SomeTime


@pytest.mark.parametrize("text", ["0s", "0h0ms"])
def test_a_duration_below_its_limit_is_told_as_a_duration(tmp_path: Path, text: str) -> None:
    file = tmp_path / "paced.yaml"
    file.write_text(f"every: {text}\n")
    with pytest.raises(InputError) as caught:
        read(file, Paced)
    (found,) = caught.value.problems
    assert str(found) == f"{file}:1:8: found 0s, expected greater than 0 seconds"
