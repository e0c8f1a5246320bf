"""What can be told of an expectation before any answer: JMESPath, expressions and schemas that are none."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Plain as JsonValue
from keelwatch.workspace.reader import closest
from probes.expect import ABSENT, OPERATORS, PRESENT, is_matcher
from probes.flaw import Flaw, misspelt
from probes.names import Known, filled_regex, filled_text

if TYPE_CHECKING:
    from keelwatch.workspace.document import Loc
    from probes.spec import Capture, Expect

MATCHERS = "a matcher of " + ", ".join(OPERATORS) + "; `is: {...}` for this very mapping"
LONG_OPERATORS = tuple(name for name in OPERATORS if len(name) > 3)


class _Anything(dict[str, Known]):
    """Stands in for names whose values nobody knows yet."""

    def __missing__(self, name: str) -> Known:
        return "x"


def expect_flaws(expect: Expect | None, loc: Loc) -> Iterator[Flaw]:
    if expect is None:
        return
    yield from _status(expect.status, (*loc, "status"))
    for header, wanted in expect.headers.items():
        yield from _wanted(wanted, (*loc, "headers", header))
    for path, wanted in expect.json_values.items():
        yield from path_flaws(path, (*loc, "json", path), on_key=True)
        yield from _wanted(wanted, (*loc, "json", path))
    for key in ("regex", "not_regex"):
        yield from regex_flaws(getattr(expect, key), (*loc, key))
    if expect.schema_ is not None:
        yield from schema_flaws(expect.schema_, (*loc, "schema"))
    for index, path in enumerate(expect.agree):
        yield from path_flaws(path, (*loc, "agree", index))


def capture_flaws(capture: Capture, loc: Loc) -> Iterator[Flaw]:
    if capture.json_path is not None:
        yield from path_flaws(capture.json_path, (*loc, "json"))
    yield from regex_flaws(capture.regex, (*loc, "regex"))
    yield from regex_flaws(capture.code, (*loc, "code"))


def _status(status: int | list[int] | None, loc: Loc) -> Iterator[Flaw]:
    every = status if isinstance(status, list) else [] if status is None else [status]
    if status == []:
        yield Flaw(loc, "no status at all", "at least one status")
    for index, one in enumerate(every):
        if not 100 <= one <= 599:
            yield Flaw((*loc, index) if isinstance(status, list) else loc, str(one), "a status of 100 to 599")


def path_flaws(path: str, loc: Loc, *, on_key: bool = False) -> Iterator[Flaw]:
    """A JMESPath that does not compile, or calls what is no function."""
    import jmespath
    from jmespath.exceptions import JMESPathError
    from jmespath.functions import Functions

    try:
        tree = jmespath.compile(filled_text(path, _Anything())).parsed
    except (JMESPathError, RecursionError) as error:
        reason = " ".join(str(error).split())[:120]
        yield Flaw(loc, f"a JMESPath that does not parse: {reason}", "a JMESPath", on_key=on_key)
        return
    for name in _functions(tree):
        if name not in Functions.FUNCTION_TABLE:
            near = closest(name, Functions.FUNCTION_TABLE)
            yield Flaw(loc, f"the function {name}()", "a function of JMESPath", near, on_key=on_key)


def _functions(tree: Mapping[str, object]) -> Iterator[str]:
    if tree.get("type") == "function_expression":
        yield str(tree["value"])
    children = tree.get("children")
    for child in children if isinstance(children, list) else []:
        if isinstance(child, Mapping):
            yield from _functions(child)


def regex_flaws(expression: JsonValue, loc: Loc) -> Iterator[Flaw]:
    if expression is None:
        return
    if not isinstance(expression, str):
        yield Flaw(loc, "no text", "a regular expression")
        return
    try:
        re.compile(filled_regex(expression, _Anything()))
    except (re.error, OverflowError, RecursionError) as error:
        yield Flaw(loc, f"an expression that does not compile: {error}", "a regular expression")


def _wanted(wanted: JsonValue, loc: Loc) -> Iterator[Flaw]:
    match wanted:
        case str():
            near = misspelt(wanted, (PRESENT, ABSENT)) if len(wanted) > 4 else ""
            if near and _is_near(wanted, near):
                expected = f"{PRESENT}, {ABSENT}, or `is: {wanted}` for this very word"
                yield Flaw(loc, repr(wanted), expected, near)
        case dict() if is_matcher(wanted):
            for name, argument in wanted.items():
                yield from _argument(name, argument, (*loc, name))
        case dict():
            for key in wanted:
                near = closest(key, LONG_OPERATORS)
                if key in OPERATORS or near:
                    if key not in OPERATORS or len(wanted) > 1:
                        place: Loc = (*loc, key)
                        yield Flaw(
                            place, f"the key {key!r} in what is no matcher", MATCHERS, near, on_key=True
                        )
                    break


def _is_near(word: str, near: str) -> bool:
    """One slip of the fingers at most."""
    return word.lower() == near or (abs(len(word) - len(near)) <= 1 and word[:3].lower() == near[:3])


def _argument(name: str, argument: JsonValue, loc: Loc) -> Iterator[Flaw]:
    match name, argument:
        case "regex", _:
            if argument is None:
                yield Flaw(loc, "nothing", "a regular expression")
            yield from regex_flaws(argument, loc)
        case "one_of", list(choices) if choices:
            pass
        case "one_of", str(text) if text.startswith("$"):
            pass
        case "one_of", _:
            yield Flaw(loc, "no list of values", "a list of at least one value")
        case (("at_least" | "at_most"), (bool() | None | list() | dict())):
            yield Flaw(loc, "no number", "a number")
        case (("at_least" | "at_most"), str(text)) if not text.startswith("$"):
            yield Flaw(loc, repr(text), "a number, or the name of one")


def schema_flaws(schema: JsonValue, loc: Loc) -> Iterator[Flaw]:
    """A JSON Schema that is none, or that would be looked up elsewhere."""
    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import SchemaError

    if not isinstance(schema, dict):
        yield Flaw(loc, "no mapping", "a JSON Schema, or the name of a file that holds one")
        return
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        reason = " ".join(f"{error.json_path}: {error.message}".split())[:160]
        yield Flaw(loc, f"a JSON Schema that is none: {reason}", "a JSON Schema (2020-12)")
        return
    except RecursionError:
        yield Flaw(loc, "a JSON Schema nested too deep", "a JSON Schema (2020-12)")
        return
    if _has_key(schema, "unevaluatedProperties") and _has_key(schema, "patternProperties"):
        found = "unevaluatedProperties beside patternProperties"
        yield Flaw(
            loc, found, "additionalProperties: patterns of names are tried against the clock only there"
        )
    for reference in _references(schema):
        if not _leads_somewhere(reference, schema):
            yield Flaw(
                loc, f"the reference {reference!r}", "a reference to a part of this schema, like #/$defs/x"
            )


def _has_key(schema: JsonValue, name: str) -> bool:
    match schema:
        case dict():
            return name in schema or any(_has_key(one, name) for one in schema.values())
        case list():
            return any(_has_key(one, name) for one in schema)
        case _:
            return False


def _references(schema: JsonValue) -> Iterator[str]:
    match schema:
        case dict():
            for key, one in schema.items():
                if key in {"$ref", "$dynamicRef"} and isinstance(one, str):
                    yield one
                elif key not in {"const", "enum", "default", "examples"}:
                    yield from _references(one)
        case list():
            for one in schema:
                yield from _references(one)


def _leads_somewhere(reference: str, schema: JsonValue) -> bool:
    pointer, place = reference.removeprefix("#"), schema
    if not reference.startswith("#"):
        return False
    if pointer and not pointer.startswith("/"):
        return True  # an anchor: whoever uses the schema finds it
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        match place:
            case dict() if key in place:
                place = place[key]
            case list() if key.isdigit() and int(key) < len(place):
                place = place[int(key)]
            case _:
                return False
    return True
