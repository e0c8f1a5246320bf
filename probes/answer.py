"""What came back for one step: the last hop's answer, and all hops on the way to it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cached_property
from math import isfinite

from keelwatch.workspace.document import Plain as JsonValue
from probes.record import Hop

LARGEST_BODY = 2_000_000  # bytes; more is cut off, and said
DEEPEST = 200  # levels of JSON; whatever walks it may recurse
# The server chooses the charset, so only those are taken that decode in linear time, and to characters:
# punycode needs minutes for what we read, and unicode_escape makes halves of characters.
CHARSET = re.compile(
    r"utf-?8|utf-?16(-?[bl]e)?|(us-)?ascii|latin-?1|iso-?8859-?\d{1,2}|(windows-?|cp)125\d|koi8-[ru]"
    r"|gbk|gb2312|gb18030|shift-jis|sjis|euc-(jp|kr)|big5"
)
_HALVES = re.compile("[\ud800-\udfff]")


class NotJson(Exception):
    """The body is not JSON; says where it ceases to be."""


@dataclass(frozen=True)
class Answer:
    """`headers` in the order received, names in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    hops: tuple[Hop, ...]
    cut: bool = False

    def __post_init__(self) -> None:
        whole = tuple((name, without_halves(value)) for name, value in self.headers)
        object.__setattr__(self, "headers", whole)

    @property
    def hop(self) -> Hop:
        """The last one, whose answer this is."""
        return self.hops[-1]

    def header(self, name: str) -> str | None:
        """All values of a header, joined as HTTP says; None when there is none."""
        found = [value for key, value in self.headers if key == name.lower()]
        return ", ".join(found) if found else None

    @cached_property
    def text(self) -> str:
        """The body, in its charset or UTF-8; what is not text is replaced."""
        charset = "utf-8"
        for part in (self.header("content-type") or "").split(";")[1:]:
            key, _, value = part.strip().partition("=")
            named = value.strip('"').lower().replace("_", "-")
            charset = named if key.lower() == "charset" and CHARSET.fullmatch(named) else charset
        try:
            return without_halves(self.body.decode(charset, errors="replace"))
        except LookupError:  # iso-8859-99
            return self.body.decode(errors="replace")

    @cached_property
    def json(self) -> JsonValue:
        """Its texts can be written in any encoding. Raises `NotJson`."""
        if self.cut:
            raise NotJson(f"longer than {LARGEST_BODY // 1_000_000} MB, and cut off there by Keelwatch")
        try:
            # Strictly: json itself would let halves of characters pass that UTF-8 does not know.
            text = self.body.decode(json.detect_encoding(self.body))
            found: JsonValue = json.loads(text, parse_constant=_no_number, parse_float=_finite)
        except (ValueError, RecursionError) as error:
            raise NotJson(str(error)) from None
        if _depth(found) > DEEPEST:
            raise NotJson(f"nested more than {DEEPEST} levels deep")
        return _whole(found) if "\\u" in text else found

    def cookie(self, name: str) -> str | None:
        """The value of a cookie that this answer sets."""
        for key, value in self.headers:
            if key == "set-cookie" and value.partition("=")[0].strip() == name:
                return value.partition("=")[2].partition(";")[0].strip()
        return None


def without_halves(text: str) -> str:
    """`text` with each lone surrogate replaced by U+FFFD: half a character, which no file can hold."""
    return _HALVES.sub("\ufffd", text)


def _whole(document: JsonValue) -> JsonValue:
    match document:
        case str():
            return without_halves(document)
        case list():
            return [_whole(one) for one in document]
        case dict():
            return {without_halves(key): _whole(one) for key, one in document.items()}
        case _:
            return document


def _finite(text: str) -> float:
    number = float(text)
    if not isfinite(number):  # 1e999: it could be read, and never be written again
        raise ValueError(f"{text[:20]} is larger than any number")
    return number


def _no_number(text: str) -> JsonValue:
    raise ValueError(f"{text} is no number of JSON")


def _depth(document: JsonValue) -> int:
    """How deep lists and mappings are nested, counted without recursion; stops soon after `DEEPEST`."""
    depth, level = 0, [document]
    while depth <= DEEPEST:
        inner: list[JsonValue] = []
        for one in level:
            match one:
                case list():
                    inner += one
                case dict():
                    inner += one.values()
        if not inner:
            break
        depth, level = depth + 1, inner
    return depth
