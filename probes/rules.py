"""What one key of a journey demands of another, which its model cannot state."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING

from probes.beside import hook_flaws
from probes.expression_rules import capture_flaws, expect_flaws, regex_flaws
from probes.flaw import Flaw
from probes.name_rules import name_flaws
from probes.scope import scopes
from probes.spec import ACTIONS, METHODS, MUTATING, PROOFS, SOURCES

if TYPE_CHECKING:
    from keelwatch.workspace.document import Document, Loc
    from keelwatch.workspace.errors import Problem
    from probes.spec import Capture, Expect, JourneySpec, Login, Request, Step, Undo

ALWAYS = frozenset({"name", "within", "retries", *ACTIONS})
REQUEST = frozenset({"headers", "query", "body", "form", "auth", "region", "follow", "fresh"})
TAKES = {
    **dict.fromkeys(METHODS, REQUEST | {"at_once", "alike", "capture", "expect", "undo"}),
    "poll": REQUEST | {"until", "capture", "record"},
    "login": frozenset({"expect"}),
    "mail": frozenset({"capture", "record"}),
    "hook": frozenset[str](),
}
"""Beside which action a key means something."""

FLOWS = {
    "oidc": frozenset({"path", "client", "redirect", "scope", "account", "password"}),
    "form": frozenset({"path", "account", "password"}),
    "json": frozenset({"path", "account", "password", "totp"}),
    "refresh": frozenset[str](),
    "logout": frozenset({"path"}),
}
MAIL_SOURCES = ("regex", "link", "code")
NO_TIME = timedelta(0)


def broken_rules(document: Document, spec: JourneySpec) -> list[Problem]:
    """Every one, with its place. The files that the journey names stand beside the document's."""
    flaws = [*_journey(spec)]
    for index, step in enumerate(spec.steps):
        flaws += _step(step, ("steps", index), spec)
    flaws += _sessions(spec)
    flaws += name_flaws(spec)
    flaws += hook_flaws(spec, document.file.parent)
    return [flaw.problem(document) for flaw in flaws]


def _journey(spec: JourneySpec) -> Iterator[Flaw]:
    if spec.deadline <= NO_TIME:
        yield Flaw(("deadline",), "no time at all", "a deadline above 0s")
    if spec.cleanup_reserve <= NO_TIME and any(step.undo and step.undo.none is None for step in spec.steps):
        yield Flaw(("cleanup_reserve",), "no time for the undos", "a time above 0s")
    if spec.schedule is not None:
        if spec.schedule.every <= NO_TIME:
            yield Flaw(("schedule", "every"), "no time at all", "a time above 0s")
        elif spec.schedule.jitter >= spec.schedule.every:
            yield Flaw(("schedule", "jitter"), "a jitter as long as `every`, or longer", "a shorter one")
    if spec.regions == []:
        yield Flaw(("regions",), "no region at all", "at least one; without the key, every region")
    for index, region in enumerate(spec.regions or []):
        if region in (spec.regions or [])[:index]:
            yield Flaw(("regions", index), f"the region {region!r} a second time", "each region once")


def _step(step: Step, loc: Loc, spec: JourneySpec) -> Iterator[Flaw]:
    actions = [action for action in ACTIONS if getattr(step, action) is not None]
    if len(actions) != 1:
        found = "no action" if not actions else "the actions " + " and ".join(actions)
        yield Flaw(loc, found, "exactly one of " + ", ".join(ACTIONS))
    else:
        yield from _misplaced(step, actions[0], loc)
    yield from _within(step, loc, spec)
    yield from _body_or_form(step, loc)
    for name, capture in step.capture.items():
        yield from _capture(capture, (*loc, "capture", name), step)
    yield from _pairs(step, loc)
    yield from expect_flaws(step.expect, (*loc, "expect"))
    yield from expect_flaws(step.until, (*loc, "until"))
    if step.expect.agree and step.at_once < 2:
        yield Flaw((*loc, "expect", "agree"), "`agree` with one answer", "`at_once: 2` or more", on_key=True)
    yield from _no_agreement(step.until, (*loc, "until"))
    if step.mail is not None:
        yield from regex_flaws(step.mail.subject, (*loc, "mail", "subject"))
    if step.login is not None:
        yield from _login(step.login, (*loc, "login"))
    if step.undo is not None:
        yield from _undo(step.undo, (*loc, "undo"))


def _misplaced(step: Step, action: str, loc: Loc) -> Iterator[Flaw]:
    if action == "poll" and step.until is None:
        yield Flaw(loc, "a poll without `until`", "`until`: what ends it")
    for key in sorted(step.model_fields_set - ALWAYS - TAKES[action]):
        fitting = [other for other in ACTIONS if key in TAKES[other]]
        expected = f"`{key}` beside " + ", ".join(fitting)
        if (action, key) == ("poll", "expect"):
            expected = "`until`, which says what a poll waits for"
        yield Flaw((*loc, key), f"`{key}` beside `{action}`, where it means nothing", expected, on_key=True)


def _within(step: Step, loc: Loc, spec: JourneySpec) -> Iterator[Flaw]:
    if step.within <= NO_TIME:
        yield Flaw((*loc, "within"), "no time at all", "a time above 0s")
    elif "within" in step.model_fields_set and step.within > spec.deadline:
        found = f"{step.within.total_seconds():g}s, longer than the journey may take"
        yield Flaw((*loc, "within"), found, f"at most the deadline, {spec.deadline.total_seconds():g}s")


def _body_or_form(request: Request, loc: Loc) -> Iterator[Flaw]:
    if request.body is not None and request.form is not None:
        yield Flaw((*loc, "form"), "a form beside a body", "one of them", on_key=True)


def _capture(capture: Capture, loc: Loc, step: Step) -> Iterator[Flaw]:
    given = [key for key in SOURCES if getattr(capture, "json_path" if key == "json" else key) is not None]
    if len(given) != 1:
        found = "no source" if not given else "the sources " + " and ".join(given)
        yield Flaw(loc, found, "exactly one of " + ", ".join(SOURCES))
    for key in given:
        if step.mail is not None and key not in MAIL_SOURCES:
            yield Flaw((*loc, key), f"`{key}` of a mail", "one of " + ", ".join(MAIL_SOURCES), on_key=True)
        if step.mail is None and key in {"link", "code"}:
            yield Flaw((*loc, key), f"`{key}` of an answer", "`regex`, or a `mail` step", on_key=True)
    yield from capture_flaws(capture, loc)


def _pairs(step: Step, loc: Loc) -> Iterator[Flaw]:
    if step.alike is None:
        return
    if step.at_once > 1:
        yield Flaw((*loc, "at_once"), "`at_once` beside `alike`", "one of them", on_key=True)
    if step.capture:
        yield Flaw((*loc, "capture"), "a capture beside `alike`", "none: there are many answers", on_key=True)


def _no_agreement(expect: Expect | None, loc: Loc) -> Iterator[Flaw]:
    if expect is not None and expect.agree:
        yield Flaw((*loc, "agree"), "`agree` with one answer", "a step with `at_once`", on_key=True)


def _login(login: Login, loc: Loc) -> Iterator[Flaw]:
    for key in sorted(login.model_fields_set - {"flow"} - FLOWS[login.flow]):
        fitting = ", ".join(flow for flow in FLOWS if key in FLOWS[flow])
        yield Flaw((*loc, key), f"`{key}` with the flow {login.flow}", f"the flow {fitting}", on_key=True)


def _undo(undo: Undo, loc: Loc) -> Iterator[Flaw]:
    methods = [key for key in MUTATING if getattr(undo, key) is not None]
    if undo.none is not None:
        if not undo.none.strip():
            yield Flaw((*loc, "none"), "no reason", "why this step needs no undo, in a sentence")
        for key in sorted(undo.model_fields_set - {"none"}):
            yield Flaw((*loc, key), f"`{key}` beside `none`", "`none` alone, or a request", on_key=True)
        return
    if len(methods) != 1:
        found = "no request" if not methods else "the requests " + " and ".join(methods)
        yield Flaw(loc, found, "exactly one of " + ", ".join((*MUTATING, "none")))
    yield from _body_or_form(undo, loc)
    if undo.verify is None:
        yield Flaw(loc, "an undo without proof", "`verify`: the question whose answer proves it")
        return
    place = (*loc, "verify")
    asked = [key for key in PROOFS if getattr(undo.verify, key) is not None]
    if len(asked) != 1:
        found = "no question" if not asked else "both get and post"
        yield Flaw(place, found, "exactly one of " + ", ".join(PROOFS))
    yield from _body_or_form(undo.verify, place)
    yield from expect_flaws(undo.verify.expect, (*place, "expect"))
    yield from _no_agreement(undo.verify.expect, (*place, "expect"))


def _sessions(spec: JourneySpec) -> Iterator[Flaw]:
    """A refresh and a logout are of the session there is; a one-time code is of the leased account."""
    for index, (step, scope) in enumerate(zip(spec.steps, scopes(spec), strict=False)):
        if step.login is None:
            continue
        loc: Loc = ("steps", index, "login", "flow")
        match step.login.flow:
            case "refresh" if "refresh" not in (scope.session or ()):
                yield Flaw(
                    loc, "a refresh without a refresh token", "an oidc login with offline_access before it"
                )
            case "logout" if scope.session is None:
                yield Flaw(loc, "a logout without a session", "a login before it")
            case "json" if step.login.totp and spec.as_ is None:
                yield Flaw((*loc[:-1], "totp"), "a one-time code of no account", "`as: {pool: ...}`")
