"""What a hostile or broken portal sends may fail a step; it never holds up or ends the run."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from keelwatch.workspace.secret import Secret
from probes.answer import LARGEST_BODY, Answer, NotJson
from probes.capture import captured, field_value, links
from probes.exchange import curl, exchange
from probes.expect import LOOKED_AT, check, shown
from probes.expression import SEARCHED, TooSlow, find
from probes.form import form_of
from probes.history import History
from probes.spec import Capture, Expect
from probes.wire import WireRequest
from tests.probes.conftest import LOGIN, Bench, only
from tests.probes.made import answer, execution, hop
from tests.sampled import sampled

CHARSETS = (
    "utf-8", "UTF8", "us-ascii", "latin-1", "iso-8859-1", "iso-8859-15", "windows-1252", "cp1251", "utf-16",
    "utf-16le", "koi8-r", "gbk", "gb18030", "shift_jis", "euc-jp", "euc-kr", "big5",
)  # fmt: skip
REFUSED_CHARSETS = (
    "punycode",
    "unicode_escape",
    "raw_unicode_escape",
    "utf-7",
    "idna",
    "rot13",
    "iso-8859-99",
)
ASKED = WireRequest("GET", "https://shop.example/x", (), b"")


@contextmanager
def within(seconds: float) -> Iterator[None]:
    began = time.process_time()  # others share the machine
    yield
    assert time.process_time() - began < seconds


def as_written_in(charset: str, body: bytes) -> Answer:
    return answer(body, headers={"Content-Type": f"text/plain; charset={charset}"})


@pytest.mark.parametrize("charset", [*CHARSETS, *REFUSED_CHARSETS])
@pytest.mark.parametrize("unit", [b"\xff", b"a-", b"\\ud800", b"\xd8\x00", b"\x81\x30", b"+A"])
def test_the_largest_body_is_read_at_once_in_any_charset(charset: str, unit: bytes) -> None:
    with within(2.0):
        text = as_written_in(charset, (unit * LARGEST_BODY)[:LARGEST_BODY]).text
    text.encode()  # nothing in it that no file can hold


@pytest.mark.parametrize(
    ("charset", "codec"),
    [
        ("windows-1252", "cp1252"),
        ("iso-8859-15", "iso8859-15"),
        ("Shift_JIS", "shift_jis"),
        ("utf-16", "utf-16"),
    ],
)
def test_a_charset_of_the_world_is_read_as_it_was_written(charset: str, codec: str) -> None:
    text = "日本" if codec == "shift_jis" else "Grüße"
    assert as_written_in(charset, text.encode(codec)).text == text


@pytest.mark.parametrize("body", [b'{"v": "x\\ud800y", "\\udfff": [["\\udc00"]]}', b'{"v":"x\\uD83Dy"}'])
def test_half_a_character_never_enters(body: bytes) -> None:
    found = answer(body)
    assert isinstance(found.json, dict)
    assert found.json["v"] == "x\ufffdy"
    json.dumps(found.json, ensure_ascii=False).encode()
    assert Answer(200, (("x", "a\ud800"),), b"", ()).header("x") == "a\ufffd"


def test_a_whole_character_written_as_two_halves_stays() -> None:
    assert answer(b'"\\ud83d\\ude00"').json == "\N{GRINNING FACE}"


@pytest.mark.parametrize("body", [b'"\xed\xa0\x80"', b'{"v": 1e999}', b"[-1e999]", b"\xff\xfe\x00\xd8"])
def test_what_could_not_be_written_again_is_not_json(body: bytes) -> None:
    with pytest.raises(NotJson):
        _ = answer(body).json


def test_a_result_with_half_a_character_is_kept_and_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    History("shop").keep(execution(reason="got x\ud800y"))
    (past,) = History("shop").of("buy", "west")
    found = past.load()
    assert found is not None
    assert found.reason == "got x\ufffdy"


def test_a_body_that_we_cut_off_is_not_blamed_on_the_portal() -> None:
    cut = Answer(200, (), b'{"a": 1', (hop(),), cut=True)
    with pytest.raises(NotJson, match="longer than 2 MB, and cut off there by Keelwatch"):
        _ = cut.json
    assert exchange(ASKED, cut, {}).response.endswith("\n... cut off by Keelwatch after 2 MB")


def test_curl_trusts_the_entrance_as_we_do() -> None:
    assert "--cacert '/my ca.pem' " in curl(ASKED, {}, Path("/my ca.pem"))
    assert "--cacert" not in curl(ASKED, {})


def test_blanks_before_the_cut_do_not_show_half_a_secret() -> None:
    word = Secret("sesame-0123456789-open")
    for blanks in range(LOOKED_AT - 30, LOOKED_AT + 1, 3):
        assert "sesame" not in shown(" " * blanks + word.reveal())


UNITS = [
    "<!--", "<div>", "<![", "<a ", "<a b='", '<a "', "<a b=", "</", "</a ", "<?", "<", "<script>",
    "<form>", "<select name=x>", "<textarea>", "<input name=x value='&a&#", "&a", "<option>", "<a/",
    "<!-- -->", "<form><input>", "<select name=x><option>", "https://", '"loginAction":"',
    '"loginAction"  ', "<a \t",
]  # fmt: skip


@pytest.mark.parametrize("unit", sampled(UNITS, 4))
@pytest.mark.parametrize("after", ["", '">', "-->"])
def test_a_page_of_any_shape_is_read_at_once(unit: str, after: str) -> None:
    page = (unit * LARGEST_BODY)[:LARGEST_BODY] + after
    with within(2.0):
        field_value(page, "x")
    with within(2.0):
        links(page)
    with within(2.0):
        links("<a " + page)
    with within(2.0):
        form_of(page, "https://id.example/")


def test_a_field_behind_a_comment_a_script_and_a_quoted_bracket_is_found() -> None:
    page = """<!DOCTYPE html><!-- <input name=x value=no> --><script>"<input name=x value=no>"</script><![x]>
    <!--> < b <1 </ > <img alt="<input name=x value=no>"><INPUT Name = 'x'
    disabled VALUE="a&gt;b" value=no/>"""
    assert field_value(page, "x") == "a>b"


MAD = "(?:a|b|ab)*c(?:x|y)$"


def test_an_expression_gone_mad_is_stopped_and_is_ours() -> None:
    body = answer("ab" * 3000 + "cxx")
    for ask in (
        lambda: captured("x", Capture(regex=MAD), body),
        lambda: check(Expect(regex=MAD), body, {}, 0.0),
        lambda: check(Expect(not_regex=MAD), body, {}, 0.0),
        lambda: check(
            Expect.model_validate({"json": {"v": {"regex": MAD}}}),
            answer({"v": "ab" * 3000 + "cxx"}),
            {},
            0.0,
        ),
    ):
        with within(2.0), pytest.raises(TooSlow, match=r"took longer than 1 s"):
            ask()


def test_only_the_beginning_of_a_long_body_is_searched() -> None:
    assert find("z", "x" * SEARCHED + "z") is None
    assert find("z", "x" * (SEARCHED - 1) + "z") is not None


ODD = """\
  - hook: {uses: "odd.py:value", gives: [old]}
  - put: /plan
    body: {plan: plus}
    undo: {put: /plan, body: {plan: $old}, verify: {get: /plan, expect: {json: {plan: $old}}}}
"""


@pytest.mark.parametrize("value", ["'x\\ud800y'", "float('inf')"])
def test_what_could_not_be_undone_is_not_sent(bench: Bench, value: str) -> None:
    bench.journey("odd", LOGIN + ODD)
    (bench.folder / "probes" / "odd.py").write_text(f"def value(context):\n    return {{'old': {value}}}\n")
    _, found = bench.result("odd")
    execution = only(found)
    assert (execution["result"], execution["cause"], execution["failed_step"]) == ("invalid", "ours", 2)
    assert "not sent, for its undo could not be made" in execution["reason"]
    assert bench.shop.asked("PUT", "/plan") == []


def test_an_expression_gone_mad_is_told_as_ours(bench: Bench) -> None:
    bench.shop.before = lambda asked: (200, {"v": "ab" * 3000 + "cxx"}) if asked.path == "/mad" else None
    bench.journey("mad", f"  - get: /mad\n    expect: {{regex: '{MAD}'}}\n")
    _, found = bench.result("mad")
    execution = only(found)
    assert (execution["result"], execution["cause"], execution["failed_step"]) == ("invalid", "ours", 0)
    assert "took longer than 1 s" in execution["reason"]


def test_an_expression_gone_mad_is_ours_also_where_the_deadline_is_shorter(bench: Bench) -> None:
    bench.shop.before = lambda asked: (200, {"v": "ab" * 3000 + "cxx"}) if asked.path == "/mad" else None
    bench.journey("mad", f"  - get: /mad\n    expect: {{regex: '{MAD}'}}\n    within: 400ms\n")
    _, found = bench.result("mad")
    execution = only(found)
    assert (execution["result"], execution["cause"]) == ("invalid", "ours")
    assert execution["reason"] == "an expression took too long: cut off by 0.4 s"
