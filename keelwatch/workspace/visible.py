"""Characters that act on a terminal, made such that they can be read.

What a server answers is shown to people. Sent raw, it could clear their screen, set their title, answer for
them, or show lines in another order than they stand in (CVE-2021-42574).
"""

from __future__ import annotations

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))  # C0, DEL and C1
_BIDI = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_WRITTEN = {
    0x0D: "\\r",
    **{code: f"\\x{code:02x}" for code in _CONTROLS if code != 0x0D},
    **{code: f"\\u{code:04x}" for code in _BIDI},
}
_TEXT = {code: written for code, written in _WRITTEN.items() if chr(code) not in "\n\t"}
_LINE = {**_TEXT, 0x0A: "\\n"}
_GONE = dict.fromkeys(_TEXT)
_JSON = {code: f"\\u{code:04x}" for code in _TEXT}


def visible(text: str) -> str:
    """`text` with all but its newlines and tabs harmless: `\\x1b` stands for an escape. Done twice, it
    changes nothing more."""
    return text.translate(_TEXT)


def visible_line(text: str) -> str:
    """The same, on one line: its newlines are written out too."""
    return text.translate(_LINE)


def without_controls(text: str) -> str:
    """The last resort, where a width is settled already: what would act is left out."""
    return text.translate(_GONE)


def visible_json(document: str) -> str:
    """JSON that says the same in escapes of its own: outside of its strings there are none of these."""
    return document.translate(_JSON)
