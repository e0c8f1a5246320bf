"""Whether an answer is what a step expects. Pure: one `Check` for each thing asked."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from math import isclose, isfinite
from typing import TYPE_CHECKING, cast

from keelwatch.workspace.document import Plain as JsonValue
from keelwatch.workspace.reader import parse_duration
from keelwatch.workspace.sink import redact
from probes.answer import Answer, NotJson
from probes.body_schema import UnusableSchema, misfit
from probes.expression import find
from probes.names import Names, UnsetName, filled, filled_regex, filled_text, recorded, recorded_regex
from probes.record import Check

if TYPE_CHECKING:
    from probes.spec import Expect

PRESENT, ABSENT = "present", "absent"
OPERATORS = ("is", "not", "one_of", "regex", "at_least", "at_most")
SHOWN = 120  # characters of a value that a check repeats
LOOKED_AT = 10_000  # characters of it in which those are looked for, blanks left out
_NOTHING = object()


def check(expect: Expect, answer: Answer, names: Names, now: float) -> tuple[Check, ...]:
    """Every expectation against `answer`; `now` (Unix s) is what a certificate's end is measured from.
    Expected values are filled in from `names`; one that has no value is a failed check. Raises `TooSlow`."""
    return tuple(_checks(expect, answer, names, now))


def recorded_expect(expect: Expect, names: Names) -> dict[str, JsonValue]:
    """`expect` as it is written down, for a check by another process, later: captures by value, secrets by
    name. A value never becomes `present`, a matcher or an expression by what it happens to be."""
    found = cast("dict[str, JsonValue]", expect.model_dump(mode="json", by_alias=True, exclude_defaults=True))
    for part in ("headers", "json"):
        wanted = found.get(part)
        if isinstance(wanted, dict):
            found[part] = {
                str(recorded(key, names)): _recorded_wanted(one, names) for key, one in wanted.items()
            }
    for part in ("regex", "not_regex"):
        expression = found.get(part)
        if isinstance(expression, str):
            found[part] = recorded_regex(expression, names)
    return found  # a schema reads no names


def _recorded_wanted(wanted: JsonValue, names: Names) -> JsonValue:
    match wanted:
        case None | "present" | "absent":
            return wanted
        case _:
            return _by_operator(wanted, names, recorded, recorded_regex)


def all_ok(checks: tuple[Check, ...]) -> bool:
    return all(one.ok for one in checks)


def _checks(expect: Expect, answer: Answer, names: Names, now: float) -> Iterator[Check]:
    yield _status(expect.status, answer.status)
    for header, wanted in expect.headers.items():
        found = answer.header(header)
        value = _NOTHING if found is None else _spelled(found, wanted)
        yield _judged(f"header {header}", wanted, value, names)
    for path, wanted in expect.json_values.items():
        yield _json(path, wanted, answer, names)
    if expect.regex is not None:
        yield _in_body(expect.regex, answer, names, wanted=True)
    if expect.not_regex is not None:
        yield _in_body(expect.not_regex, answer, names, wanted=False)
    if expect.schema_ is not None:
        yield _schema(expect.schema_, answer)
    for phase, limit in expect.phases.items():
        yield _phase(phase, limit, answer)
    if expect.tls_expires is not None:
        yield _certificate(expect.tls_expires, answer, now)


def _status(wanted: int | list[int] | None, found: int) -> Check:
    match wanted:
        case None:
            return Check("status", 200 <= found < 300, "200-299", str(found))
        case int():
            return Check("status", found == wanted, str(wanted), str(found))
        case _:
            return Check("status", found in wanted, " or ".join(map(str, wanted)), str(found))


def _json(path: str, wanted: JsonValue, answer: Answer, names: Names) -> Check:
    what = f"json {path}"
    try:
        found = search(filled_text(path, names), answer.json)
    except NotJson as error:
        return Check(what, ok=False, expected=_expected(wanted), found=f"a body that is not JSON: {error}")
    except UnsetName as error:
        return Check(what, ok=False, expected=_expected(wanted), found=str(error))
    except ValueError as error:  # a function of JMESPath met a value of another type
        return Check(what, ok=False, expected=_expected(wanted), found=shown(str(error)))
    # JMESPath says null for what is not there; a customer's null and a missing key look alike to it.
    return _judged(what, wanted, _NOTHING if found is None else found, names)


def agreement(path: str, answers: Sequence[Answer]) -> Check:
    """Whether all `answers` hold the same at `path`."""
    what, says = f"json {path} in all answers", "the same"
    try:
        found = [search(path, answer.json) for answer in answers]
    except NotJson as error:
        return Check(what, ok=False, expected=says, found=f"a body that is not JSON: {error}")
    except ValueError as error:  # a function of JMESPath met a value of another type
        return Check(what, ok=False, expected=says, found=shown(str(error)))
    alike = all(same(found[0], one) for one in found)
    return Check(what, alike, says, " | ".join(sorted({shown(one) for one in found})))


def takes_its_time(expect: Expect) -> bool:
    """Whether a regular expression or a schema is tried on the answer: both may be slow."""
    wanted = (*expect.headers.values(), *expect.json_values.values())
    matchers = (one for one in wanted if isinstance(one, dict) and is_matcher(one))
    asked = expect.regex or expect.not_regex or expect.schema_
    return bool(asked) or any("regex" in one for one in matchers)


def search(path: str, document: JsonValue) -> JsonValue:
    """What JMESPath finds. Raises `ValueError` for a bad expression or a value of the wrong type."""
    import jmespath
    from jmespath.exceptions import JMESPathError, JMESPathTypeError

    try:
        found: JsonValue = jmespath.search(path, document)
    except JMESPathTypeError as error:
        given = "nothing" if error.current_value is None else f"a {error.actual_type}"
        raise ValueError(f"{given}, which {error.function_name}() cannot take") from None
    except JMESPathError as error:
        raise ValueError(str(error)) from None
    return found


def _spelled(header: str, wanted: JsonValue) -> JsonValue:
    """A header's text, or the number it spells where a number is wanted."""
    arguments = list(wanted.values()) if isinstance(wanted, dict) and is_matcher(wanted) else [wanted]
    choices = [
        one for argument in arguments for one in (argument if isinstance(argument, list) else [argument])
    ]
    if not any(map(_is_number, choices)):
        return header
    try:
        number = float(header)
    except ValueError:
        return header
    return number if isfinite(number) else header


def _judged(what: str, wanted: JsonValue, found: object, names: Names) -> Check:
    """What the journey says decides how it is judged, never what a name turns out to stand for."""
    try:
        matcher = _matcher(wanted, names)
        ok = all(_operator(name, argument, found) for name, argument in matcher.items())
    except UnsetName as error:
        return Check(what, ok=False, expected=_expected(wanted), found=str(error))
    except re.error as error:
        return Check(what, ok=False, expected=_expected(wanted), found=f"an expression that is none: {error}")
    return Check(what, ok, _expected_of(matcher), "nothing" if found is _NOTHING else shown(found))


def _matcher(wanted: JsonValue, names: Names) -> dict[str, JsonValue]:
    """What is wanted as a matcher, filled in. Raises `UnsetName`."""
    match wanted:
        case "present" | "absent":
            return {wanted: None}
        case None:
            return {ABSENT: None}
        case _:
            return _by_operator(wanted, names, filled, filled_regex)


def _by_operator(
    wanted: JsonValue,
    names: Names,
    put: Callable[[JsonValue, Names], JsonValue],
    put_in_regex: Callable[[str, Names], str],
) -> dict[str, JsonValue]:
    """A literal or a matcher as a matcher, its names put in place by `put`."""
    if not isinstance(wanted, dict) or not is_matcher(wanted):
        return {"is": put(wanted, names)}
    return {
        name: put_in_regex(one, names) if name == "regex" and isinstance(one, str) else put(one, names)
        for name, one in wanted.items()
    }


def is_matcher(wanted: Mapping[str, JsonValue]) -> bool:
    return bool(wanted) and set(wanted) <= set(OPERATORS)


def _operator(name: str, argument: JsonValue, found: object) -> bool:
    if found is _NOTHING:
        return name == ABSENT or (name, argument) == ("is", None)
    match name, argument:
        case "present", _:
            return True
        case "is", _:
            return same(argument, found)
        case "not", _:
            return not same(argument, found)
        case "one_of", list(choices):
            return any(same(choice, found) for choice in choices)
        case "regex", str(expression):
            return isinstance(found, str) and find(expression, found) is not None
        case "at_least", int() | float() as bound:
            return isinstance(found, int | float) and not isinstance(found, bool) and found >= bound
        case "at_most", int() | float() as bound:
            return isinstance(found, int | float) and not isinstance(found, bool) and found <= bound
    return False


def same(wanted: object, found: object) -> bool:
    """Equal as JSON: 1 is 1.0, but true is not 1. Whole numbers are equal to the last digit."""
    if isinstance(wanted, bool) or isinstance(found, bool):
        return wanted is found
    match wanted, found:
        case float(), float():
            return isclose(wanted, found, rel_tol=1e-12)
        case ((int() | float()), (int() | float())):
            return wanted == found
        case list(), list():
            return len(wanted) == len(found) and all(map(same, wanted, found))
        case dict(), dict():
            return wanted.keys() == found.keys() and all(same(wanted[key], found[key]) for key in wanted)
        case _:
            return type(wanted) is type(found) and wanted == found


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _in_body(expression: str, answer: Answer, names: Names, *, wanted: bool) -> Check:
    what = "body"
    says = f"{'' if wanted else 'no '}/{expression}/"
    try:
        found = find(filled_regex(expression, names), answer.text)
    except UnsetName as error:
        return Check(what, ok=False, expected=says, found=str(error))
    except re.error as error:
        return Check(what, ok=False, expected=says, found=f"an expression that is none: {error}")
    return Check(what, (found is not None) is wanted, says, shown(found[0]) if found else shown(answer.text))


def _schema(schema: JsonValue, answer: Answer) -> Check:
    what, says = "schema", "a body that fits it"
    try:
        flaw = misfit(schema if isinstance(schema, dict) else {}, answer.json)
    except NotJson as error:
        return Check(what, ok=False, expected=says, found=f"a body that is not JSON: {error}")
    except UnusableSchema as error:
        return Check(what, ok=False, expected=says, found=f"a schema that cannot be used: {error}")
    return Check(what, flaw is None, says, "it fits" if flaw is None else shown(flaw))


def _phase(phase: str, limit: str, answer: Answer) -> Check:
    longest_ms = parse_limit_ms(limit)
    hops = answer.hops if phase == "total" else (answer.hop,)
    took = sum(hop.theirs_ms for hop in hops) if phase == "total" else answer.hop.phases.get(phase)
    what = f"phase {phase}"
    if took is None:  # a reused connection has no dns, connect and tls: none of them was slow
        return Check(what, ok=True, expected=limit, found="connection reused")
    if any(hop.tainted for hop in hops):
        return Check(what, ok=True, expected=limit, found=f"{took:.0f}ms, not judged: our own loop was late")
    return Check(what, took < longest_ms, limit, f"{took:.0f}ms")


def parse_limit_ms(limit: str) -> float:
    """`<150ms`, `<1.5s` in ms."""
    text = limit.removeprefix("<").strip()
    return float(text[:-2]) if text.endswith("ms") else float(text[:-1]) * 1000


def _certificate(beyond: str, answer: Answer, now: float) -> Check:
    least_s = parse_duration(beyond.removeprefix(">").strip()).total_seconds()
    ends = next((hop.tls_expires for hop in reversed(answer.hops) if hop.tls_expires is not None), None)
    if ends is None:
        return Check("tls expires", ok=False, expected=beyond, found="a connection without TLS")
    return Check("tls expires", ends - now > least_s, beyond, f"in {(ends - now) / 86400:.1f}d")


def _expected(wanted: JsonValue) -> str:
    """What is wanted, as the journey says it."""
    return _expected_of(wanted if isinstance(wanted, dict) and is_matcher(wanted) else {"is": wanted})


def _expected_of(matcher: Mapping[str, JsonValue]) -> str:
    if set(matcher) == {"is"}:
        return ABSENT if matcher["is"] is None else shown(matcher["is"])
    return ", ".join(
        name if name in {PRESENT, ABSENT} else f"{name.replace('_', ' ')} {shown(value)}"
        for name, value in matcher.items()
    )


def shown(value: object) -> str:
    """A value as a check repeats it: redacted, and only then cut to `SHOWN` characters, for half a secret is
    masked nowhere."""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    text = " ".join(redact(text)[:LOOKED_AT].split())
    return text if len(text) <= SHOWN else text[: SHOWN - 3] + "..."
