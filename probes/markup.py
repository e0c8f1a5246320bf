"""The tags of an HTML page, in one pass over it.

Pages are hostile: whatever they hold, reading takes linear time. Promises what a form needs: tags in order,
their attributes, and the text behind each. Builds no tree, so no page can nest too deep. What is left open at
the end is dropped, as browsers do.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import unescape
from itertools import islice

LARGEST_PAGE = 256_000  # characters; more is not looked at
MOST_TAGS = 20_000

_NAME = re.compile(r"/?[a-zA-Z][^\s/>]*+")
_BETWEEN = re.compile(r"[\s/]*+")
_KEY = re.compile(r"[^\s/>][^\s/>=]*+")
_EQUALS = re.compile(r"\s*+=\s*+")
_BARE = re.compile(r"[^\s>]*+")
# Inside these a tag is text, until their own end.
_END_OF = {
    name: re.compile(rf"</{name}(?=[\s/>])", re.IGNORECASE)
    for name in ("script", "style", "textarea", "title")
}


@dataclass(frozen=True, slots=True)
class Tag:
    """`name` in lower case, `/form` for an end. Of an attribute given twice the first counts; one without a
    value is empty. `text` is what stands before the next tag."""

    name: str
    attributes: Mapping[str, str]
    text: str

    def get(self, name: str) -> str:
        """An attribute, empty where there is none."""
        return self.attributes.get(name, "")


def tags(page: str) -> list[Tag]:
    """The first `MOST_TAGS` of the first `LARGEST_PAGE` characters."""
    return list(islice(_tags(page[:LARGEST_PAGE]), MOST_TAGS))


def inside(found: Sequence[Tag], index: int) -> Iterator[Tag]:
    """The tags after `found[index]`, up to its end or, for what does not nest, to the next of its name."""
    name = found[index].name
    for at in range(index + 1, len(found)):
        if found[at].name in {name, f"/{name}"}:
            return
        yield found[at]


def _tags(page: str) -> Iterator[Tag]:
    at = page.find("<")
    while at >= 0:
        opened = _NAME.match(page, at + 1)
        if opened is None:
            at = _after_no_tag(page, at)
            continue
        name = opened[0].lower()
        attributes, end = _attributes(page, opened.end())
        if end < 0:
            return
        raw = _END_OF.get(name)
        closed = raw.search(page, end) if raw else None
        following = (closed.start() if closed else -1) if raw else page.find("<", end)
        text = page[end:] if following < 0 else page[end:following]
        yield Tag(name, attributes, text if name in {"script", "style"} else unescape(text))
        at = following


def _after_no_tag(page: str, at: int) -> int:
    """Where the next tag may begin: behind a comment or a declaration; -1 for nowhere, as when those are left
    open."""
    for opening, closing in (("<!--", "-->"), ("<!", ">"), ("<?", ">"), ("</", ">")):
        if page.startswith(opening, at):
            # `<!-->` is a whole comment: its dashes count for both ends.
            end = page.find(closing, at + 2)
            return page.find("<", end + len(closing)) if end >= 0 else -1
    return page.find("<", at + 1)


def _attributes(page: str, at: int) -> tuple[Mapping[str, str], int]:
    """Those from `at` on, and where their tag ends; -1 when it does not."""
    found: dict[str, str] = {}
    while True:
        at = _end(_BETWEEN, page, at)
        if page.startswith(">", at):
            return found, at + 1
        key = _KEY.match(page, at)
        if key is None:
            return found, -1
        value, at = _value(page, key.end())
        if at < 0:
            return found, -1
        found.setdefault(key[0].lower(), unescape(value))


def _value(page: str, at: int) -> tuple[str, int]:
    """The value of an attribute whose name ends at `at`, and where it ends; -1 when it does not."""
    equals = _EQUALS.match(page, at)
    if equals is None:
        return "", at
    start = equals.end()
    quote = page[start : start + 1]
    if quote in {'"', "'"}:
        end = page.find(quote, start + 1)
        return page[start + 1 : end], end + 1 if end >= 0 else -1
    bare = _BARE.match(page, start)
    return (bare[0], bare.end()) if bare else ("", start)


def _end(pattern: re.Pattern[str], page: str, at: int) -> int:
    found = pattern.match(page, at)
    return found.end() if found else at
