"""Inputs: where `$name` is read, and what stands there in the end. Pure.

`$name` without braces, as braces mean something else in YAML; `$$` is a dollar.
"""

from __future__ import annotations

import re
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

if TYPE_CHECKING:
    from keelwatch.workspace.document import Loc
    from keelwatch.workspace.reader import StrictModel
    from runbooks.spec import RunbookSpec

READ = re.compile(r"\$(?:\$|([a-z][a-z0-9_]*))?")
NO_READER = frozenset({"runbook", "owner", "inputs", "id", "lock", "parallel"})
"""Keys whose text is what it is."""


@dataclass(frozen=True, slots=True)
class Text:
    """A text of a runbook, where it stands. `on_key`: it is the key of its `loc`."""

    loc: Loc
    text: str
    is_region: bool = False
    on_key: bool = False


def texts(spec: RunbookSpec) -> Iterator[Text]:
    """Every text in which inputs are read, in the order of the model."""
    for one in _inside_model(spec, ()):
        if not NO_READER.intersection(one.loc):
            yield one


def names_in(text: str) -> list[str]:
    return [match[1] for match in READ.finditer(text) if match[1]]


def lone_dollars(text: str) -> bool:
    """Whether a `$` stands that neither reads an input nor is written `$$`."""
    return any(match[0] == "$" for match in READ.finditer(text))


def fill(text: str, values: Mapping[str, str]) -> str:
    """`text` with its inputs; those without a value stay as they are."""

    def one(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else values.get(match[1] or "", match[0])

    return READ.sub(one, text)


def fill_deep(value: object, values: Mapping[str, str]) -> object:
    """The same in every text of a JSON value, keys too."""
    match value:
        case str():
            return fill(value, values)
        case list():
            return [fill_deep(one, values) for one in value]
        case dict():
            return {fill(str(key), values): fill_deep(one, values) for key, one in value.items()}
        case _:
            return value


def _inside_model(model: StrictModel, loc: Loc) -> Iterator[Text]:
    for name, field in type(model).model_fields.items():
        value = getattr(model, name)
        if value is not None:
            annotation = Annotated[field.annotation, *field.metadata] if field.metadata else field.annotation
            yield from _inside(value, annotation, (*loc, field.alias or name))


def _inside(value: object, annotation: object, loc: Loc) -> Iterator[Text]:
    if hasattr(type(value), "model_fields"):
        yield from _inside_model(typing.cast("StrictModel", value), loc)
    elif isinstance(value, str):
        yield Text(loc, value, is_region=_is_region(annotation))
    elif isinstance(value, list):
        (inner,) = _arguments(annotation, list) or (None,)
        for index, one in enumerate(value):
            yield from _inside(one, inner, (*loc, index))
    elif isinstance(value, dict):
        of_key, of_value = _arguments(annotation, dict) or (None, None)
        for key, one in value.items():
            yield Text((*loc, str(key)), str(key), is_region=_is_region(of_key), on_key=True)
            yield from _inside(one, of_value, (*loc, str(key)))


def _is_region(annotation: object) -> bool:
    from runbooks.verbs.spec import IsRegion

    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        return any(_is_region(one) for one in typing.get_args(annotation))
    return any(isinstance(one, IsRegion) for one in getattr(annotation, "__metadata__", ()))


def _arguments(annotation: object, wanted: type) -> tuple[object, ...]:
    """Those of the `wanted` generic somewhere in a union."""
    if typing.get_origin(annotation) is Annotated:
        return _arguments(typing.get_args(annotation)[0], wanted)
    if typing.get_origin(annotation) is wanted:
        return typing.get_args(annotation)
    if typing.get_origin(annotation) in {typing.Union, types.UnionType}:
        return next((found for one in typing.get_args(annotation) if (found := _arguments(one, wanted))), ())
    return ()
