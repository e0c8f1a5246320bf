"""The one place through which text leaves the program, with every known secret masked and nothing in it that
acts on a terminal.

Masking is by value, in the forms a value takes on its way out: as it is, base64, URL-encoded,
JSON-escaped. Every file, stream, fact and screen that Keelwatch writes goes through `redact`.
"""

from __future__ import annotations

import base64
import json
import sys
import threading
from collections import Counter
from contextlib import suppress
from typing import TextIO
from urllib.parse import quote, quote_plus

from keelwatch.workspace.visible import visible

MASK = "***"
SHORTEST = 4  # a shorter value would mask ordinary words

_mutex = threading.Lock()
_forms: Counter[str] = Counter()
_longest_first: tuple[str, ...] | None = ()


def register_secret(value: str) -> None:
    """From now on `redact` masks `value` and its encoded forms."""
    _count(value, 1)


def forget_secret(value: str) -> None:
    """Takes one registration back, for a token that is dead and that no text still to come can hold: a
    program that runs for ever would otherwise look for more and more of them."""
    _count(value, -1)


def _count(value: str, change: int) -> None:
    global _longest_first  # noqa: PLW0603 one set of secrets per process, as there is one output
    if len(value) < SHORTEST:
        return
    with _mutex:
        for form in encoded_forms(value):
            _forms[form] += change
            if _forms[form] <= 0:
                del _forms[form]
        _longest_first = None


def encoded_forms(value: str) -> list[str]:
    """The ways `value` may be written, longest first."""
    raw = value.encode()
    forms = {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}
    forms |= {json.dumps(value, ensure_ascii=False)[1:-1]}
    for offset in range(3):  # inside a longer base64 text the value starts at any of three phases
        forms.add(_base64_core(raw, offset))
    forms |= {form.replace("+", "-").replace("/", "_") for form in forms if form != value}
    return sorted((form for form in forms if len(form) >= SHORTEST), key=len, reverse=True)


def _base64_core(raw: bytes, offset: int) -> str:
    """The characters of a base64 text that only `raw` decides, when `offset` bytes precede it."""
    text = base64.b64encode(b"\0" * offset + raw).decode().rstrip("=")
    start = (0, 2, 3)[offset]
    spare = (offset + len(raw)) % 3
    return text[start : len(text) - (1 if spare else 0)]


def redact(text: str) -> str:
    for form in _known_forms():
        if form in text:
            text = text.replace(form, MASK)
    return text


def _known_forms() -> tuple[str, ...]:
    global _longest_first  # noqa: PLW0603 see above
    found = _longest_first
    if found is None:
        with _mutex:
            found = _longest_first = tuple(sorted(_forms, key=len, reverse=True))
    return found


def write_out(text: str, stream: TextIO | None = None) -> None:
    """Write data: `text` and a newline to stdout (or `stream`), redacted and harmless to terminals."""
    print(visible(redact(text)), file=stream or sys.stdout)


def narrate(text: str) -> None:
    """Write narration to stderr, redacted and harmless to terminals; stdout stays data.

    Never raises for a full disk or a reader that left: an undo must not end because its log is full.
    """
    with suppress(OSError):
        print(visible(redact(text)), file=sys.stderr, flush=True)
