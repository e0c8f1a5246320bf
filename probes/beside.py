"""The files that stand beside a journey: schemas that are read into it, and hooks that it names."""

from __future__ import annotations

import ast
import copy
import json
import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.document import MAX_BYTES, Document
from keelwatch.workspace.document import Plain as JsonValue
from keelwatch.workspace.reader import closest
from probes.flaw import Flaw

if TYPE_CHECKING:
    from keelwatch.workspace.document import Loc
    from probes.spec import JourneySpec

PLACES: tuple[tuple[str, ...], ...] = (("expect",), ("until",), ("undo", "verify", "expect"))


class _NoFile(Exception):
    """Why a file cannot be used; says what was found in its place."""


def with_schemas(document: Document) -> tuple[Document, list[Flaw]]:
    """`document` with every `schema: FILE` replaced by what the file holds, and what was wrong on the way."""
    data = copy.deepcopy(document.data)
    flaws: list[Flaw] = []
    for expect, loc in _expectations(data):
        name = expect.get("schema")
        if isinstance(name, str):
            try:
                expect["schema"] = _schema(name, document.file.parent)
            except _NoFile as reason:
                flaws.append(Flaw((*loc, "schema"), str(reason), "a JSON Schema, or a file that holds one"))
                expect["schema"] = {}
    return replace(document, data=data), flaws


def _expectations(data: JsonValue) -> Iterator[tuple[dict[str, JsonValue], Loc]]:
    steps = data.get("steps") if isinstance(data, dict) else None
    for index, step in enumerate(steps if isinstance(steps, list) else []):
        for place in PLACES:
            found: JsonValue = step
            for key in place:
                found = found.get(key) if isinstance(found, dict) else None
            if isinstance(found, dict):
                yield found, ("steps", index, *place)


def _schema(name: str, folder: Path) -> JsonValue:
    try:
        found: JsonValue = json.loads(_text(name, folder), parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise _NoFile(f"{name}, which is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise _NoFile(f"{name}, which holds no mapping")
    return found


def _refuse(text: str) -> JsonValue:
    raise ValueError(f"{text} is no number of JSON")


def hook_flaws(spec: JourneySpec, folder: Path) -> Iterator[Flaw]:
    """Hooks whose file or function is not there. The file is parsed, not run."""
    for index, step in enumerate(spec.steps):
        if step.hook is None:
            continue
        file, _, function = step.hook.uses.rpartition(":")
        expected, near = "FILE.py:FUNCTION, the file in the journey's folder", ""
        try:
            names = _names_of_module(ast.parse(_text(file, folder)))
            if function in names:
                continue
            found, near = f"{file}, which has no function {function!r}", closest(function, names)
        except _NoFile as reason:
            found = str(reason)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            found = f"{file}, which is not Python: {error}"
        yield Flaw(("steps", index, "hook", "uses"), found, expected, near)


def _names_of_module(tree: ast.Module) -> set[str]:
    """What the top of a module defines: functions, and names that may be functions."""
    found: set[str] = set()
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {one.asname or one.name for one in names}
    for node in tree.body:
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Assign(targets=targets):
                found |= {one.id for one in targets if isinstance(one, ast.Name)}
            case ast.AnnAssign(target=ast.Name(id=name)):
                found.add(name)
    return found


def _text(name: str, folder: Path) -> str:
    """The text of a file of `folder`, links followed. Raises `_NoFile` for one outside of it."""
    try:
        path = (folder / name).resolve()
        if not path.is_relative_to(folder.resolve()):
            raise _NoFile(f"{name}, which is outside the journey's folder")
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - a FIFO would keep us waiting
            raise _NoFile(f"{name}, which is no file")
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _NoFile(f"no readable file {name} ({reason})") from None
    if len(raw) > MAX_BYTES:
        raise _NoFile(f"{name}, which is over 1 MiB")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _NoFile(f"{name}, which is not UTF-8") from None
