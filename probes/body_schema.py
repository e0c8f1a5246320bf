"""Whether a body fits a JSON Schema (2020-12); its patterns run against the clock of `expression.find`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, Protocol

from keelwatch.workspace.document import Plain as JsonValue
from probes.expression import find

if TYPE_CHECKING:
    from jsonschema.exceptions import ValidationError

    Schema = Mapping[str, Any]  # what jsonschema hands its keywords


class Validator(Protocol):
    """What a keyword uses of the validator that calls it."""

    def descend(
        self, instance: object, schema: Schema, path: str | None = None, schema_path: str | None = None
    ) -> Iterator[ValidationError]: ...


class UnusableSchema(Exception):
    """A schema that cannot be tried: a part of it stands elsewhere, or leads back to itself."""


def misfit(schema: Mapping[str, JsonValue], body: JsonValue) -> str | None:
    """The most telling place where `body` does not fit, `$.path: reason`; None when it fits.

    Raises `UnusableSchema`, and `TooSlow` for a pattern that was stopped.
    """
    from jsonschema.exceptions import best_match
    from referencing import Registry
    from referencing.exceptions import Unresolvable

    try:
        # An empty registry: a schema never makes us ask another host for a part of it.
        flaw = best_match(_validator()(schema, registry=Registry()).iter_errors(body))
    except (Unresolvable, RecursionError, re.error) as error:
        raise UnusableSchema(str(error)) from None
    return None if flaw is None else f"{flaw.json_path}: {flaw.message}"


@cache
def _validator() -> Any:  # a class that jsonschema makes; it has no type of its own
    from jsonschema import Draft202012Validator, validators

    own = {
        "pattern": _pattern,
        "patternProperties": _pattern_properties,
        "additionalProperties": _additional_properties,
    }
    return validators.extend(Draft202012Validator, own)  # type: ignore[no-untyped-call]  # it has no types


def _pattern(_: Validator, pattern: str, found: object, __: Schema) -> Iterator[ValidationError]:
    if isinstance(found, str) and find(pattern, found) is None:
        yield _error(f"{found!r} does not match {pattern!r}")


def _pattern_properties(
    validator: Validator, patterns: Schema, found: object, _: Schema
) -> Iterator[ValidationError]:
    for key, value in found.items() if isinstance(found, dict) else ():
        for pattern, schema in patterns.items():
            if find(pattern, key) is not None:
                yield from validator.descend(value, schema, path=key, schema_path=pattern)


def _additional_properties(
    validator: Validator, wanted: object, found: object, schema: Schema
) -> Iterator[ValidationError]:
    if not isinstance(found, dict):
        return
    extras = list(_extras(found, schema))
    if wanted is False and extras:
        yield _error(f"additional properties are not allowed: {', '.join(map(repr, extras))}")
    elif isinstance(wanted, Mapping):
        for key in extras:
            yield from validator.descend(found[key], wanted, path=key)


def _extras(found: Mapping[str, object], schema: Schema) -> Iterator[str]:
    patterns = schema.get("patternProperties", {})
    for key in found:
        if key not in schema.get("properties", {}) and all(find(one, key) is None for one in patterns):
            yield key


def _error(message: str) -> ValidationError:
    from jsonschema.exceptions import ValidationError

    return ValidationError(message)
