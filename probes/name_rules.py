"""What a journey's names demand: each must be known where it is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.workspace.reader import closest
from probes import reads
from probes.flaw import Flaw
from probes.names import BUILT_IN, NAMESPACES, SECRET_NAMES, names_in
from probes.scope import Scope, after, scopes

if TYPE_CHECKING:
    from keelwatch.workspace.document import Loc
    from probes.reads import Read
    from probes.spec import JourneySpec, Step, Undo

PLACES = ("header", "cookie", "field", "link")


def name_flaws(spec: JourneySpec) -> Iterator[Flaw]:
    """Of all steps, in order."""
    known = scopes(spec)
    for index, step in enumerate(spec.steps):
        yield from _Step(spec, index, step, known[index]).flaws()


def unchecked_names(spec: JourneySpec) -> Iterator[Flaw]:
    """Names that only a hook which does not say what it gives may give."""
    known = scopes(spec)
    for index, step in enumerate(spec.steps):
        yield from _Step(spec, index, step, known[index]).unchecked()


@dataclass(frozen=True, slots=True)
class _Step:
    """One step, and what is known when it begins."""

    spec: JourneySpec
    index: int
    step: Step
    scope: Scope

    @property
    def loc(self) -> Loc:
        return ("steps", self.index)

    def flaws(self) -> Iterator[Flaw]:
        step, loc = self.step, self.loc
        own = {step.alike.vary} if step.alike else set()
        yield from self._unknown(reads.of_alike(step, loc), self.scope.known)
        yield from self._unknown(reads.of_step(step, loc), self.scope.known | own)
        # A login is judged when it is over: its session has its names by then.
        judged = after(step, self.scope).known if step.login else self.scope.known
        yield from self._unknown(reads.of_expect(step.expect, (*loc, "expect")), judged | own)
        yield from self._unknown(reads.of_expect(step.until, (*loc, "until")), self.scope.known)
        yield from self._declared()
        if step.undo is not None and step.undo.none is None:
            yield from self._undo(step.undo, (*loc, "undo"))

    def _unknown(self, found: Iterable[Read], known: frozenset[str]) -> Iterator[Flaw]:
        for read in found:
            if read.has_lone_dollar:
                yield Flaw(
                    read.loc, "a `$` that begins no name", "`$$` for a dollar sign", on_key=read.on_key
                )
            for name in read.names:
                if name not in known and not self._may_be_given(name):
                    yield self._flaw(read, name, known)

    def _may_be_given(self, name: str) -> bool:
        """Whether a hook before, which does not say what it gives, may give it."""
        return self.scope.is_open and "." not in name

    def unchecked(self) -> Iterator[Flaw]:
        step, loc = self.step, self.loc
        own = {step.alike.vary} if step.alike else set()
        found = [*reads.of_alike(step, loc), *reads.of_step(step, loc)]
        found += [
            *reads.of_expect(step.expect, (*loc, "expect")),
            *reads.of_expect(step.until, (*loc, "until")),
        ]
        for read in found:
            for name in read.names:
                if name not in self.scope.known | own and self._may_be_given(name):
                    expected = "`gives` beside the hook that gives it, so that it can be checked"
                    yield Flaw(
                        read.loc, f"the name ${name}, which nothing declares", expected, "", read.on_key
                    )

    def _flaw(self, read: Read, name: str, known: frozenset[str]) -> Flaw:
        near = closest(name, known)
        expected = self._wanted(name)
        return Flaw(read.loc, f"the unknown name ${name}", expected, f"${near}" if near else "", read.on_key)

    def _wanted(self, name: str) -> str:
        """What would make `name` known."""
        if name in self.step.capture:
            return "a name known before this step, which captures it itself"
        later = [at for at, step in enumerate(self.spec.steps) if name in step.capture and at > self.index]
        if later:
            return f"a name known before this step; step {later[0] + 1} captures it"
        if name in BUILT_IN and name.startswith("account."):
            return "`as: {pool: ...}`, for there is no account without it"
        if name in BUILT_IN and name.startswith("session.old_"):
            return "a login, and after it a refresh, a logout or another login, in the steps before"
        if name in BUILT_IN and name.startswith("session."):
            return "a session that has it, from a login in the steps before"
        if name.startswith("secret."):
            return f"`{name.removeprefix('secret.')}` under `secrets`"
        if self._may_be_given(name):
            return "`gives` beside the hook that gives it, for an undo must not find it unset"
        return "a capture of an earlier step, or a built-in name"

    def _declared(self) -> Iterator[Flaw]:
        """Names that this step gives."""
        step, loc = self.step, self.loc
        taken = {"region", *NAMESPACES}
        places = [(name, (*loc, "capture", name)) for name in step.capture]
        if step.hook is not None:
            given = step.hook.gives or []
            places += [(name, (*loc, "hook", "gives", at)) for at, name in enumerate(given)]
        for name, place in places:
            if name in taken:
                yield Flaw(place, f"the name {name}, which is built in", "another name", on_key=True)
        if step.alike is not None and step.alike.vary in self.scope.known | taken:
            vary = step.alike.vary
            yield Flaw((*loc, "alike", "vary"), f"the name {vary}, which is known already", "a new name")
        if step.alike is not None and not self._reads(step.alike.vary):
            yield Flaw((*loc, "alike"), f"a request that does not read ${step.alike.vary}", "one that does")
        for name, capture in step.capture.items():
            for key in PLACES:
                text = getattr(capture, key)
                if text is not None and list(names_in(text)):
                    yield Flaw((*loc, "capture", name, key), "a name", "a text: captures read no names")

    def _reads(self, name: str) -> bool:
        return any(name in read.names for read in reads.of_step(self.step, self.loc))

    def _undo(self, undo: Undo, loc: Loc) -> Iterator[Flaw]:
        """It is written down before the step acts, and made perhaps by another process, which knows secrets
        by their names alone: those of the account, the session and `secrets`."""
        asked = list(reads.of_undo(undo, loc))
        yield from self._read_later(asked, logged_in=undo.auth == "session")
        if undo.verify is not None:
            place = (*loc, "verify")
            questions = list(reads.of_verify(undo.verify, place))
            yield from self._read_later(questions, logged_in=undo.verify.auth == "session")
            judged = list(reads.of_expect(undo.verify.expect, (*place, "expect")))
            yield from self._read_later(judged, logged_in=False)
            for read in judged:
                for name in read.names:
                    if name in SECRET_NAMES or name.startswith("secret."):
                        found = f"the secret ${name} in what a proof expects"
                        yield Flaw(read.loc, found, "a value that may be written down", on_key=read.on_key)
        if undo.login is not None or "session" in {undo.auth, undo.verify.auth if undo.verify else "none"}:
            yield from self._first_login(undo, loc)

    def _read_later(self, found: list[Read], *, logged_in: bool) -> Iterator[Flaw]:
        yield from self._unknown(found, self.scope.known)
        for read in found:
            for name in read.names:
                if name not in self.scope.known:
                    if self._may_be_given(name):  # or not: an undo must not find it unset
                        yield self._flaw(read, name, self.scope.known)
                    continue
                if name in self.scope.secret:
                    what = f"${name}, a secret capture, which is never written down"
                    yield Flaw(read.loc, what, "a name that an undo may read", on_key=read.on_key)
                elif name.startswith("session.old_") or (name.startswith("session.") and not logged_in):
                    what = f"${name}, which an undo by another process does not have"
                    yield Flaw(read.loc, what, "`auth: session`, or no such name", on_key=read.on_key)

    def _first_login(self, undo: Undo, loc: Loc) -> Iterator[Flaw]:
        """Another process gets in as the journey did first, so what that login reads is written down too."""
        first = next((at for at, step in enumerate(self.spec.steps) if step.login is not None), None)
        login = None if first is None else self.spec.steps[first].login
        if first is None or login is None:
            if undo.login is not None:
                yield Flaw(
                    (*loc, "login"), "a login", "a login step in the journey: it says how", on_key=True
                )
            return
        for read in reads.of_login(login, ()):
            if undo.login is not None and read.loc != ("path",):
                continue  # the undo says who
            for name in read.names:
                if name in self.scope.secret or name not in self.scope.known:
                    found = f"an undo whose login (step {first + 1}) reads ${name}, which it cannot"
                    yield Flaw(
                        loc, found, "`login` in the undo, with names known before this step", on_key=True
                    )
