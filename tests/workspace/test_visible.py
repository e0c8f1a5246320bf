"""No text of a server acts on the terminal of whoever reads it."""

from __future__ import annotations

import io
import json

import pytest

from console.output import json_document
from keelwatch.workspace import narrate, write_out
from keelwatch.workspace.visible import visible, visible_line, without_controls

BIDI = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
ACTING = [chr(code) for code in (*range(0x20), *range(0x7F, 0xA0)) if chr(code) not in "\n\t"]


@pytest.mark.parametrize(
    ("raw", "shown"),
    [
        ("\x1b[2J\x1b]0;pwned\x07", "\\x1b[2J\\x1b]0;pwned\\x07"),
        ("a\r\nb\tc\0", "a\\r\nb\tc\\x00"),
        ("\x7f\x9b31m", "\\x7f\\x9b31m"),
        ("if \u202eadmin\u2066", "if \\u202eadmin\\u2066"),
        ("größer é 日本 \u2028 🚢", "größer é 日本 \u2028 🚢"),
    ],
)
def test_what_would_act_is_written_out_and_all_else_stays(raw: str, shown: str) -> None:
    assert visible(raw) == shown
    assert visible(shown) == shown


def test_every_control_and_direction_character_is_caught() -> None:
    raw = "".join(ACTING) + BIDI
    assert visible(raw).isprintable()
    assert visible_line(raw + "\n") == visible(raw) + "\\n"
    assert without_controls(f"a{raw}b") == "ab"


def test_both_streams_are_harmless(capsys: pytest.CaptureFixture[str]) -> None:
    other = io.StringIO()

    write_out("out \x1b[2J")
    write_out("there \x9b2J", other)
    narrate("err \x1b]0;pwned\x07")

    said = capsys.readouterr()
    assert (said.out, said.err) == ("out \\x1b[2J\n", "err \\x1b]0;pwned\\x07\n")
    assert other.getvalue() == "there \\x9b2J\n"


def test_a_json_document_means_the_same_and_is_harmless() -> None:
    raw = "".join(ACTING) + BIDI + "\n\t"

    document = json_document("probe-run", None, 0.0, {"said": raw})

    assert json.loads(document)["said"] == raw
    assert visible(document) == document
