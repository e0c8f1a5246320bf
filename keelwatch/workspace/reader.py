"""Strict reading of every spec: a YAML document against a pydantic model, all problems at once."""

from __future__ import annotations

import difflib
import json
import os
import re
import types
import typing
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Annotated

# No plugin that happens to be installed has a say in how specs are read, and looking for them takes 20 ms.
os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")

import pydantic
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
)
from pydantic_core import ErrorDetails, PydanticCustomError

from keelwatch.workspace.document import Document, Loc, Mark, Part, load, load_all
from keelwatch.workspace.errors import InputError, Problem
from keelwatch.workspace.secret import is_reference

_DURATION = re.compile(r"(?:\d+(?:w|d|h|m|s|ms))+\Z")
_UNITS = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}


SpecModel = BaseModel
"""Whatever `json_schema` describes: a model of one kind of document, or of several."""


class StrictModel(BaseModel):
    """What every spec model is: frozen, no unknown key, no silent conversion."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, populate_by_name=False)


def parse_duration(text: str) -> timedelta:
    """`90s`, `5m`, `1h30m`, `30d`, `250ms`. Raises `ValueError` for anything else."""
    if not _DURATION.match(text):
        raise ValueError(text)
    parts = re.findall(r"(\d+)(ms|w|d|h|m|s)", text)
    try:
        return timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in parts))
    except OverflowError:
        raise ValueError(text) from None


def _duration(value: object) -> timedelta:
    if isinstance(value, timedelta):
        return value
    try:
        return parse_duration(value if isinstance(value, str) else "")
    except ValueError:
        raise PydanticCustomError("expected", "a duration like 90s, 5m or 1h30m") from None


def _seconds(value: timedelta) -> str:
    return f"{value.total_seconds():g}s"


def _reference(value: object) -> str:
    if isinstance(value, str) and is_reference(value) and value.partition(":")[2]:
        return value
    # The value itself may be the secret: it is not repeated in the message.
    raise PydanticCustomError("expected_secret", "a reference: env:NAME, file:PATH or command:WORDS")


def matching(pattern: str, words: str) -> tuple[object, ...]:
    """Annotations of a text that must match `pattern`; `words` say what that means to a person."""
    expression = re.compile(pattern)

    def check(value: str) -> str:
        if not expression.fullmatch(value):  # not search: its `$` lets a line's end pass
            raise PydanticCustomError("expected", "{words}", {"words": words})
        return value

    return AfterValidator(check), WithJsonSchema({"type": "string", "pattern": pattern})


def without_flaw(flaw: Callable[[str], str], words: str, pattern: str) -> tuple[object, ...]:
    """Annotations of a text in which `flaw` finds nothing. As the text may hold a secret, a problem repeats
    only what `flaw` says of it."""

    def check(value: object) -> str:
        found = flaw(value) if isinstance(value, str) else "a value of another type"
        if found:
            raise PydanticCustomError("expected_unsaid", "{words}", {"words": words, "found": found})
        assert isinstance(value, str)
        return value

    return BeforeValidator(check), WithJsonSchema({"type": "string", "pattern": pattern})


_DURATION_SCHEMA = {"type": "string", "pattern": r"^(\d+(w|d|h|m|s|ms))+$", "examples": ["5m"]}
_REFERENCE_SCHEMA = {"type": "string", "pattern": "^(env|file|command):.+", "examples": ["env:TOKEN"]}

_AS_DURATION = (BeforeValidator(_duration), PlainSerializer(_seconds), WithJsonSchema(_DURATION_SCHEMA))
Duration = Annotated[timedelta, *_AS_DURATION]
SomeTime = Annotated[timedelta, Field(gt=timedelta(0)), *_AS_DURATION]
"""A duration that is not zero."""
SecretReference = Annotated[str, BeforeValidator(_reference), WithJsonSchema(_REFERENCE_SCHEMA)]


def parse[ModelT: BaseModel](document: Document, model: type[ModelT]) -> ModelT:
    """`document` as a `model`. Raises `InputError` naming the place of every problem."""
    try:
        # JSON mode keeps lists, enums and numbers strict without asking YAML for Python types.
        return model.model_validate_json(json.dumps(document.data))
    except pydantic.ValidationError as error:
        raise InputError([_explain(document, model, detail) for detail in error.errors()]) from None


def problem(
    document: Document, loc: Loc, *, found: str, expected: str, did_you_mean: str = "", on_key: bool = False
) -> Problem:
    """A problem at `loc` of a document, for rules that a model cannot state."""
    mark: Mark = document.mark(loc, on_key=on_key)
    return Problem(document.file, mark.line, mark.column, found, expected, did_you_mean)


def closest(word: str, known: typing.Iterable[str]) -> str:
    """The known word most like `word`, or an empty text when none is near."""
    return next(iter(difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)), "")


def json_schema(model: type[BaseModel], title: str) -> dict[str, object]:
    schema = model.model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema, "title": title}


def _explain(document: Document, model: type[BaseModel], detail: ErrorDetails) -> Problem:
    loc: Loc = tuple(detail["loc"])
    found = shown(detail["input"])
    match detail["type"]:
        case "extra_forbidden":
            known = _fields_at(model, loc[:-1])
            key = str(loc[-1])
            expected = "one of " + ", ".join(sorted(known)) if known else "no such key"
            near = closest(key, known)
            return problem(
                document,
                loc,
                found=f"the unknown key {key!r}",
                expected=expected,
                did_you_mean=near,
                on_key=True,
            )
        case "missing":
            return problem(document, loc[:-1], found="no such key", expected=f"the key {str(loc[-1])!r}")
        case "expected_secret":
            return problem(document, loc, found="a value", expected=detail["msg"])
        case "expected_unsaid":
            return problem(document, loc, found=str(detail["ctx"]["found"]), expected=detail["msg"])
        case "model_type" | "dict_type" if isinstance(detail["input"], str):
            # A text in place of a mapping: `basic: me:password` and a URL with one are not repeated.
            return problem(document, loc, found="a text", expected=_wanted(detail))
        case "expected" | "value_error":
            return problem(document, loc, found=found, expected=detail["msg"].removeprefix("Value error, "))
        case "literal_error" | "enum":
            choices = re.findall(r"'([^']*)'", str(detail.get("ctx", {}).get("expected", "")))
            near = closest(str(detail["input"]), choices)
            return problem(document, loc, found=found, expected=_wanted(detail), did_you_mean=near)
        case _:
            return problem(document, loc, found=found, expected=_wanted(detail))


def _wanted(detail: ErrorDetails) -> str:
    """pydantic says "Input should be a valid string"; a reader wants "a valid string"."""
    return re.sub(r"^(Input|String|List|Dictionary) should (be |have )?|, not \d+$", "", detail["msg"])


def shown(value: object) -> str:
    """A value of a file in the words of a problem."""
    match value:
        case None:
            return "nothing"
        case dict():
            return "a mapping"
        case list():
            return "a list"
        case str():
            return repr(value if len(value) <= 40 else value[:37] + "...")
        case timedelta():  # a limit of it is judged after it was read
            return _seconds(value)
        case _:
            return json.dumps(value)


def _fields_at(model: type[BaseModel], loc: Loc) -> set[str]:
    """The keys a mapping at `loc` may have, by walking the model's annotations."""
    candidates: list[object] = [model]
    for part in loc:
        candidates = [inner for candidate in candidates for inner in _inside(candidate, part)]
    models = [one for candidate in candidates for one in _models(candidate)]
    return {str(name) for one in models for name in _names(one)}


def _names(model: type[BaseModel]) -> dict[Part, object]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}


def _models(annotation: object) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    origin = typing.get_origin(annotation)
    if origin is Annotated:
        return _models(typing.get_args(annotation)[0])
    if origin in {typing.Union, types.UnionType}:
        return [model for one in typing.get_args(annotation) for model in _models(one)]
    return []


def _inside(annotation: object, part: Part) -> list[object]:
    """What stands under `part` of a value of this annotation; union tags stay where they are."""
    found: list[object] = [
        names[part] for model in _models(annotation) if (names := _names(model)).get(str(part))
    ]
    if found:
        return found
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return _inside(arguments[0], part)
    if origin in {typing.Union, types.UnionType}:
        inner = [one for argument in arguments for one in _inside(argument, part)]
        return inner or [annotation]
    if origin is dict:
        return [arguments[1]]
    if origin in {list, tuple}:
        return [arguments[0]]
    return []


def read[ModelT: BaseModel](path: Path, model: type[ModelT]) -> ModelT:
    """The one document of `path` as a `model`. Raises `InputError`."""
    return parse(load(path), model)


__all__ = [
    "Document",
    "Duration",
    "SecretReference",
    "SomeTime",
    "SpecModel",
    "StrictModel",
    "closest",
    "json_schema",
    "load",
    "load_all",
    "matching",
    "parse",
    "parse_duration",
    "problem",
    "read",
    "shown",
    "without_flaw",
]
