"""Taking values out of an answer. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from keelwatch.workspace.secret import Secret
from keelwatch.workspace.sink import SHORTEST
from probes.answer import Answer, NotJson
from probes.expect import search
from probes.expression import SEARCHED, find
from probes.markup import Tag, inside, tags
from probes.names import Known

if TYPE_CHECKING:
    from keelwatch.workspace.document import Plain as JsonValue
    from probes.spec import Capture


class NothingCaptured(Exception):
    """The answer does not hold what a capture looks for; says which and where."""


def captured(name: str, capture: Capture, answer: Answer) -> Known:
    """The value of `capture`; a `Secret` when it is marked so. Raises `NothingCaptured`, `TooSlow`."""
    found = _found(name, capture, answer)
    if found is None:
        raise NothingCaptured(f"nothing to capture as {name}: no {_place(capture)}")
    if not capture.secret:
        return found
    if not isinstance(found, str) or len(found) < SHORTEST:
        raise NothingCaptured(f"{name} is marked secret, and is not a text of {SHORTEST} characters or more")
    return Secret(found)


def _found(name: str, capture: Capture, answer: Answer) -> JsonValue:
    if capture.json_path is not None:
        try:
            return search(capture.json_path, answer.json)
        except NotJson as error:
            raise NothingCaptured(f"nothing to capture as {name}: the body is not JSON: {error}") from None
        except ValueError as error:
            raise NothingCaptured(f"nothing to capture as {name}: {error}") from None
    if capture.header is not None:
        return answer.header(capture.header)
    if capture.cookie is not None:
        return answer.cookie(capture.cookie)
    if capture.field is not None:
        return field_value(answer.text, capture.field)
    if capture.link is not None:
        return next((link for link in links(answer.text) if capture.link in link), None)
    expression = capture.regex if capture.regex is not None else capture.code
    found = find(expression or "", answer.text)
    return None if found is None else found[min(1, len(found) - 1)]


def field_value(html: str, name: str) -> str | None:
    """The value that the form field `name` would be sent with: of several, the first that has one."""
    page = tags(html)
    values = (_value(page, index) for index, tag in enumerate(page) if tag.get("name") == name)
    return next((value for value in values if value is not None), None)


def _value(page: list[Tag], index: int) -> str | None:
    field = page[index]
    match field.name:
        case "textarea":
            return field.text
        case "select":
            options = [one for one in inside(page, index) if one.name == "option"]
            chosen = next((one for one in options if "selected" in one.attributes), next(iter(options), None))
            return None if chosen is None else chosen.attributes.get("value", chosen.text.strip())
        case "input" if field.get("type") in {"radio", "checkbox"} and "checked" not in field.attributes:
            return None
        case "input" | "button":
            return field.attributes.get("value")
        case _:
            return None


def links(text: str) -> list[str]:
    """Every http and https address in a text, or in the `href`s of HTML, in order."""
    text = text[:SEARCHED]
    if re.search(r"<a\s", text, re.IGNORECASE):
        found = [one.get("href") for one in tags(text) if one.name == "a"]
        return [link for link in found if re.match(r"https?://", link)]
    return [found.rstrip(".,;:!?)") for found in re.findall(r"https?://[^\s\"'<>]+", text)]


def _place(capture: Capture) -> str:
    given = capture.model_dump(by_alias=True, exclude_none=True, exclude={"secret"})
    return ", ".join(f"{key} {value}" for key, value in given.items())
