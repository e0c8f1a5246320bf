"""Every text of a journey in which names are filled in, and where it stands. Pure.

It follows what the engine fills: what is not listed here, like a client's id, is taken as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from keelwatch.workspace.document import Plain as JsonValue
from probes.expect import is_matcher
from probes.names import lone_dollars, names_in
from probes.spec import METHODS, PROOFS

if TYPE_CHECKING:
    from keelwatch.workspace.document import Loc
    from probes.spec import Expect, Login, Request, Step, Undo, UndoLogin, Verify


@dataclass(frozen=True, slots=True)
class Read:
    """A text that is filled in; `on_key`: it is the key at `loc`."""

    loc: Loc
    text: str
    kind: Literal["text", "regex"] = "text"
    on_key: bool = False

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys(names_in(self.text)))

    @property
    def has_lone_dollar(self) -> bool:
        """In a regular expression `$` is an anchor."""
        return self.kind == "text" and lone_dollars(self.text)


def of_step(step: Step, loc: Loc) -> Iterator[Read]:
    """What the action itself reads, without what it expects."""
    yield from of_request(step, loc, (*METHODS, "poll"))
    if step.login is not None:
        yield from of_login(step.login, (*loc, "login"))
    if step.mail is not None:
        yield Read((*loc, "mail", "to"), step.mail.to)
    if step.hook is not None:
        yield from _texts(dict(step.hook.with_), (*loc, "hook", "with"))


def of_alike(step: Step, loc: Loc) -> Iterator[Read]:
    if step.alike is not None:
        for key in ("known", "unknown"):
            yield Read((*loc, "alike", key), getattr(step.alike, key))


def of_request(request: Request, loc: Loc, methods: tuple[str, ...] = METHODS) -> Iterator[Read]:
    """Path, headers, query, form and body. `methods`: the keys under which the path may stand."""
    for method in methods:
        path = getattr(request, method, None)
        if path is not None:
            yield Read((*loc, method), path)
    for part in ("headers", "query", "form"):
        for key, text in (getattr(request, part) or {}).items():
            yield Read((*loc, part, key), text)
    yield from _texts(request.body, (*loc, "body"))


def of_login(login: Login | UndoLogin, loc: Loc) -> Iterator[Read]:
    """What a login reads; those of the session there is read no account."""
    path = getattr(login, "path", None)
    if path is not None:
        yield Read((*loc, "path"), path)
    if getattr(login, "flow", "") not in {"refresh", "logout"}:
        yield Read((*loc, "account"), login.account)
        yield Read((*loc, "password"), login.password)


def of_expect(expect: Expect | None, loc: Loc) -> Iterator[Read]:
    if expect is None:
        return
    for header, wanted in expect.headers.items():
        yield from _wanted(wanted, (*loc, "headers", header))
    for path, wanted in expect.json_values.items():
        place = (*loc, "json", path)
        yield Read(place, path, on_key=True)
        yield from _wanted(wanted, place)
    for key in ("regex", "not_regex"):
        expression = getattr(expect, key)
        if expression is not None:
            yield Read((*loc, key), expression, "regex")


def of_undo(undo: Undo, loc: Loc) -> Iterator[Read]:
    """The request that undoes, and who makes it; without its proof."""
    yield from of_request(undo, loc)
    if undo.login is not None:
        yield from of_login(undo.login, (*loc, "login"))


def of_verify(verify: Verify, loc: Loc) -> Iterator[Read]:
    """The question of the proof; without what it expects."""
    yield from of_request(verify, loc, PROOFS)


def _wanted(wanted: JsonValue, loc: Loc) -> Iterator[Read]:
    if not isinstance(wanted, dict) or not is_matcher(wanted):
        yield from _texts(wanted, loc)
        return
    for name, argument in wanted.items():
        if name == "regex" and isinstance(argument, str):
            yield Read((*loc, name), argument, "regex")
        else:
            yield from _texts(argument, (*loc, name))


def _texts(value: JsonValue, loc: Loc) -> Iterator[Read]:
    match value:
        case str():
            yield Read(loc, value)
        case list():
            for index, one in enumerate(value):
                yield from _texts(one, (*loc, index))
        case Mapping():
            for key, one in value.items():
                yield Read((*loc, key), key, on_key=True)
                yield from _texts(one, (*loc, key))
