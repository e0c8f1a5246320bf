"""Secrets that a journey holds by value, told by the names they stand under. A finding never repeats one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from keelwatch.workspace.document import Plain as JsonValue
from probes.flaw import Flaw
from probes.names import names_in, without_names
from probes.spec import METHODS

if TYPE_CHECKING:
    from keelwatch.workspace.document import Loc
    from probes.spec import Request, Step

# The last word counts: `token_type` and `password-hint` hold none, `client_secret` and `X-Api-Key` do.
SECRET_KEY = re.compile(
    r"(?:^|[^a-z])(?:authorization|pass(?:word|wd|phrase)|pwd|token|secret|cookie|api[^a-z]?key|otp|credentials?)$"
)
WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
NO_VALUE = re.compile(r"^\s*(?:bearer|basic|token|dpop)\s|[\w.-]+=(?=\$)", re.IGNORECASE)
SAID = re.compile(r"\w")
EXPECTED = "a name: $secret.NAME, $account.password; for a wrong one, $random.word"


def is_secret_key(key: str) -> bool:
    """Whether what stands under this key is a secret: `Authorization`, `newPassword`, `api_key`."""
    return SECRET_KEY.search(WORD_STARTS.sub("_", key).lower()) is not None


def secret_flaws(step: Step, loc: Loc) -> Iterator[Flaw]:
    yield from _request(step, loc)
    if step.login is not None:
        yield from _under("password", step.login.password, (*loc, "login", "password"))
    if step.hook is not None:
        yield from _values(dict(step.hook.with_), (*loc, "hook", "with"))
    undo = step.undo
    if undo is None:
        return
    yield from _request(undo, (*loc, "undo"))
    if undo.login is not None:
        yield from _under("password", undo.login.password, (*loc, "undo", "login", "password"))
    if undo.verify is not None:
        yield from _request(undo.verify, (*loc, "undo", "verify"))


def _request(request: Request, loc: Loc) -> Iterator[Flaw]:
    for part in ("headers", "query", "form"):
        yield from _values(dict(getattr(request, part) or {}), (*loc, part))
    yield from _values(request.body, (*loc, "body"))
    for method in (*METHODS, "poll"):
        path = getattr(request, method, None)
        if path is not None:
            yield from _address(path, (*loc, method))


def _address(path: str, loc: Loc) -> Iterator[Flaw]:
    try:
        parts = urlsplit(path)
    except ValueError:  # the engine says what is wrong with it
        return
    if parts.password and not list(names_in(parts.password)):
        yield Flaw(loc, "a password in an address", EXPECTED)
    for key, value in parse_qsl(parts.query):
        yield from _under(key, value, loc)


def _values(value: JsonValue, loc: Loc) -> Iterator[Flaw]:
    match value:
        case dict():
            for key, one in value.items():
                place = (*loc, key)
                yield from (
                    _under(key, one, place) if not isinstance(one, dict | list) else _values(one, place)
                )
        case list():
            for index, one in enumerate(value):
                yield from _values(one, (*loc, index))


def _under(key: str, value: JsonValue, loc: Loc) -> Iterator[Flaw]:
    """An empty text, a null and a boolean are none."""
    if not is_secret_key(key) or isinstance(value, bool) or value in (None, ""):
        return
    if all(map(_is_public, names_in(value))) and _says_something(value):
        yield Flaw(loc, "a value in place of a secret's name", EXPECTED)


def _is_public(name: str) -> bool:
    """What anybody may know keeps nothing secret that stands beside it: `literal-$run.id`."""
    return name in {"region", "account.name", "account.mailbox"} or name.startswith("run.")


def _says_something(value: JsonValue) -> bool:
    """Whether anything is left of a text without its names, its scheme, and the names of its cookies."""
    return not isinstance(value, str) or SAID.search(without_names(NO_VALUE.sub("", value))) is not None
