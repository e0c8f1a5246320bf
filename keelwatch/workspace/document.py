"""YAML 1.2 text to plain values that remember where they stand.

ruamel.yaml turns text into events; the values are built here, without recursion, so that every
limit holds before memory is spent and every value and key keeps its line and column. Stricter than
YAML: no aliases (one place, one value, and no alias bombs), no tags, no duplicate or non-text keys,
no infinities, no halves of characters. `on`, `no` and dates are text.
"""

from __future__ import annotations

import math
import re
import stat
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, cast

from keelwatch.workspace.errors import InputError, Problem

if TYPE_CHECKING:
    from ruamel.yaml.events import Event, ScalarEvent

MAX_BYTES = 1024 * 1024
MAX_DEPTH = 40
MAX_NODES = 50_000

FLOW_STYLE = "YAML 1.2: inside {...} and [...], quote a text that holds one of {}[],# or begins with ?"

Part = str | int
Loc = tuple[Part, ...]
Plain = str | int | float | bool | None | list["Plain"] | dict[str, "Plain"]


@dataclass(frozen=True, slots=True)
class Mark:
    """A place in a file; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Document:
    """One YAML document: its plain value, and where each value and key of it stands."""

    file: Path
    data: Plain
    values: dict[Loc, Mark] = field(repr=False)
    keys: dict[Loc, Mark] = field(repr=False)

    def mark(self, loc: Loc, *, on_key: bool = False) -> Mark:
        """Where `loc` stands, or the nearest value around it that does stand somewhere."""
        place: Loc = ()
        for part in loc:
            if (*place, part) in self.values:
                place = (*place, part)
        marks = self.keys if on_key and place in self.keys else self.values
        return marks.get(place, Mark(1, 1))


def read_all(path: Path) -> tuple[list[Document], list[Problem]]:
    """Every document of a file as far as it can be read, and each problem of its YAML.

    A key that stands twice, a tag, an alias: the document is there beside them, so that the rest of it can
    be checked too (`unsaid`). Broken YAML ends its document and those after it.
    """
    builder = _Builder(path)
    try:
        text = _decode(path)
        if text.strip():
            for event in _events(path, text):
                builder.take(event)
    except InputError as error:
        return builder.documents, [*builder.problems, *error.problems]
    if not builder.documents and not builder.problems:  # nothing at all, or comments alone
        return [], [Problem(path, 1, 1, "an empty file", "a YAML document")]
    return builder.documents, builder.problems


def read_files(paths: Iterable[Path]) -> tuple[list[Document], list[Problem]]:
    """The same of several files."""
    documents: list[Document] = []
    problems: list[Problem] = []
    for path in paths:
        read, broken = read_all(path)
        documents += read
        problems += broken
    return documents, problems


def read_one(path: Path) -> tuple[Document | None, list[Problem]]:
    """The same of a file that is to hold one document."""
    documents, problems = read_all(path)
    if len(documents) > 1:
        mark = documents[1].mark(())
        second = Problem(path, mark.line, mark.column, "a second document", "one document in this file")
        problems = [*problems, second]
    return (documents[0] if documents else None), problems


def load_all(path: Path) -> list[Document]:
    """Every document of a file. Raises `InputError` with each problem of its YAML."""
    documents, problems = read_all(path)
    if problems:
        raise InputError(problems)
    return documents


def load(path: Path) -> Document:
    """The one document of a file. Raises `InputError` with each problem of its YAML."""
    document, problems = read_one(path)
    if document is None or problems:
        raise InputError(problems)
    return document


def unsaid(problems: Iterable[Problem], said: Sequence[Problem]) -> list[Problem]:
    """`problems` without those where YAML was refused already: the value that is there now is not what was
    written (an alias is read as nothing), and whoever checks it speaks of something else."""
    places = {(one.file, one.line, one.column) for one in said}
    return [one for one in problems if (one.file, one.line, one.column) not in places]


def _decode(path: Path) -> str:
    try:
        mode = path.stat().st_mode
        if not stat.S_ISREG(mode):  # opening a FIFO would wait for its writer
            raise InputError([Problem(path, 1, 1, _kind_of_file(mode), "a YAML file")])
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(
            [Problem(path, 1, 1, f"no readable file ({error.strerror})", "a YAML file")]
        ) from None
    if len(raw) > MAX_BYTES:
        raise InputError([Problem(path, 1, 1, "a file over 1 MiB", "a spec of at most 1 MiB")])
    if (nul := raw.find(b"\0")) >= 0:
        raise InputError([_byte_problem(path, raw, nul, "a NUL byte", "text")])
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        found = f"the byte 0x{raw[error.start]:02x}, which is not UTF-8"
        raise InputError([_byte_problem(path, raw, error.start, found, "UTF-8 text")]) from None


def _kind_of_file(mode: int) -> str:
    match stat.S_IFMT(mode):
        case stat.S_IFDIR:
            return "a folder"
        case stat.S_IFIFO:
            return "a FIFO"
        case stat.S_IFSOCK:
            return "a socket"
        case _:
            return "a device"


def _byte_problem(path: Path, raw: bytes, offset: int, found: str, expected: str) -> Problem:
    before = raw[:offset].decode("utf-8", "replace")
    return Problem(path, *_line_column(before, len(before)), found, expected)


def _line_column(text: str, offset: int) -> tuple[int, int]:
    return text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset) + 1) + 1


def _events(path: Path, text: str) -> Iterator[Event]:
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        yield from YAML(typ="safe", pure=True).parse(text)
    except ReaderError as error:
        line, column = _line_column(text, error.position)
        raise InputError([Problem(path, line, column, "a control character", "printable text")]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        context = f" {error.context}" if error.context else ""
        found = f"broken YAML{context}: {_without_names(error.problem or '')}"
        raise InputError([Problem(path, line, column, found, _wanted(text, line, column))]) from None
    except (RecursionError, ValueError, IndexError) as error:  # the parser itself gave up
        raise InputError([Problem(path, 1, 1, f"YAML that cannot be parsed ({error})", "YAML 1.2")]) from None


def _without_names(words: str) -> str:
    """What the parser says, without the tag it repeats: `!hunter2` may be a secret that was not quoted."""
    return re.sub(r"(tag handle) .*", r"\1", words, flags=re.DOTALL)


def _wanted(text: str, line: int, column: int) -> str:
    """The way out, where the line is in flow style: `{regex: [a-z]+}` reads like a list."""
    before = text.split("\n")[line - 1][:column] if line <= text.count("\n") + 1 else ""
    return FLOW_STYLE if "{" in before or "[" in before else "YAML 1.2"


@dataclass(slots=True)
class _Open:
    """A mapping or sequence not yet closed; `key` is the mapping key that awaits its value."""

    loc: Loc
    value: dict[str, Plain] | list[Plain]
    in_flow: bool
    key: str | None = None


class _Builder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self.problems: list[Problem] = []
        self.documents: list[Document] = []
        self._stack: list[_Open] = []
        self._nodes = 0
        self._start = Mark(1, 1)
        self._begin()

    def _begin(self) -> None:
        self._root: Plain = None
        self._values: dict[Loc, Mark] = {}
        self._keys: dict[Loc, Mark] = {}

    def _end(self) -> None:
        if self._root is not None:
            self.documents.append(Document(self.path, self._root, self._values, self._keys))
        elif not self.problems:
            self._problem(self._start, "an empty document", "a YAML document with something in it")

    def take(self, event: Event) -> None:
        mark = Mark(event.start_mark.line + 1, event.start_mark.column + 1)
        match type(event).__name__:
            case "DocumentStartEvent":
                self._begin()
                self._start = mark
                if getattr(event, "version", None) == (1, 1):
                    self._problem(mark, "a %YAML 1.1 directive", "YAML 1.2")
            case "DocumentEndEvent":
                self._end()
            case "AliasEvent":
                self._alias(mark)
            case "ScalarEvent":
                self._scalar(cast("ScalarEvent", event), mark)
            case "MappingStartEvent":
                self._open({}, event, mark)
            case "SequenceStartEvent":
                self._open([], event, mark)
            case "MappingEndEvent" | "SequenceEndEvent":
                self._stack.pop()

    def _alias(self, mark: Mark) -> None:
        self._problem(mark, "an alias", "the value itself, written out")
        if self._awaits_key():
            self._stack[-1].key = _NO_KEY
        else:
            self._add(None, mark)

    def _open(self, value: dict[str, Plain] | list[Plain], event: Event, mark: Mark) -> None:
        self._refuse_tag(event, mark)
        if len(self._stack) >= MAX_DEPTH:
            raise InputError([self._at(mark, "nesting too deep", f"at most {MAX_DEPTH} levels")])
        in_flow = bool(getattr(event, "flow_style", False))
        if self._awaits_key():
            top = self._stack[-1]
            wanted = FLOW_STYLE if top.in_flow else "a text key"
            self._problem(mark, "a list or mapping as a key", wanted)
            top.key = _NO_KEY
            self._stack.append(_Open((*top.loc, _NO_KEY), value, in_flow))
            return
        self._stack.append(_Open(self._add(value, mark), value, in_flow))

    def _scalar(self, event: ScalarEvent, mark: Mark) -> None:
        self._refuse_tag(event, mark)
        text = self._whole(event.value, mark)
        plain: bool = event.implicit[0]
        if self._awaits_key():
            self._add_key(text, mark, plain=plain)
            return
        self._add(self._resolve(text, mark) if plain else text, mark)

    def _awaits_key(self) -> bool:
        top = self._stack[-1] if self._stack else None
        return top is not None and isinstance(top.value, dict) and top.key is None

    def _add_key(self, text: str, mark: Mark, *, plain: bool) -> None:
        top = self._stack[-1]
        top.key = text
        if plain and not isinstance(resolve_plain(text), str):
            self._problem(mark, f"the key {text}, which is not text", "a text key; quote it if it is meant")
        if text in top.value:
            first = self._keys.get((*top.loc, text))
            where = f" (first at line {first.line})" if first else ""
            self._problem(mark, f"the key {text!r} a second time{where}", "each key once")
        self._keys[(*top.loc, text)] = mark

    def _add(self, value: Plain, mark: Mark) -> Loc:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise InputError([self._at(mark, "too many values", f"at most {MAX_NODES}")])
        loc: Loc = ()
        if not self._stack:
            self._root = value
        else:
            top = self._stack[-1]
            if isinstance(top.value, list):
                loc = (*top.loc, len(top.value))
                top.value.append(value)
            else:
                key = top.key or ""
                loc = (*top.loc, key)
                if key != _NO_KEY:
                    top.value[key] = value
                top.key = None
        self._values[loc] = mark
        return loc

    def _resolve(self, text: str, mark: Mark) -> Plain:
        value = resolve_plain(text)
        if isinstance(value, float) and not math.isfinite(value):
            found = text if _NOT_FINITE.match(text) else "a number that is too large"
            self._problem(mark, found, "a finite number")
            return None
        return value

    def _whole(self, text: str, mark: Mark) -> str:
        """`text` with each escaped surrogate pair as the one character it means, as in JSON."""
        if not _SURROGATE.search(text):
            return text
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")
        if lone := _SURROGATE.search(text):
            found = f"\\u{ord(lone[0]):04x}, which is half of a character"
            self._problem(mark, found, "whole characters, like \\u00e9 or \\U0001f600")
        return _SURROGATE.sub("\ufffd", text)

    def _refuse_tag(self, event: Event, mark: Mark) -> None:
        """Its words are not repeated: an unquoted secret that begins with `!` reads like a tag."""
        if getattr(event, "tag", None):
            self._problem(mark, "a tag", "a value without a tag; quote a text that begins with !")

    def _at(self, mark: Mark, found: str, expected: str) -> Problem:
        return Problem(self.path, mark.line, mark.column, found, expected)

    def _problem(self, mark: Mark, found: str, expected: str) -> None:
        self.problems.append(self._at(mark, found, expected))


_NO_KEY = "\ud800"  # stands for a key that is no text, whose value is left out; no text that is read has it
_SURROGATE = re.compile("[\ud800-\udfff]")
_NULL = re.compile(r"(~|null|Null|NULL|)\Z")
_BOOL = re.compile(r"(true|True|TRUE|false|False|FALSE)\Z")
_INT = re.compile(r"([-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+)\Z")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?\Z")
_NOT_FINITE = re.compile(r"([-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN))\Z")
_MAX_DIGITS = 400  # int() of more digits is slow on purpose, and no spec needs them


def resolve_plain(text: str) -> str | int | float | bool | None:
    """An unquoted scalar under the YAML 1.2 core schema (yaml.org/spec/1.2.2, section 10.3.2)."""
    if _NULL.match(text):
        return None
    if _BOOL.match(text):
        return text.lower() == "true"
    if len(text) > _MAX_DIGITS:
        return text
    if _INT.match(text):
        return int(text, 0) if text[:2] in {"0o", "0x"} else int(text)
    if _FLOAT.match(text):
        return float(text)
    if _NOT_FINITE.match(text):
        return float(text.replace(".", ""))
    return text
