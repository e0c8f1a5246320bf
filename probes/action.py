"""What each action of a step does, once. Raises `StepFailed` and what the wire raises; the rest is in the
`Trail`, so that it is known also when a deadline cuts the action off."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING

from keelwatch.workspace.document import Plain as JsonValue
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.secret import Secret
from probes import alike
from probes.answer import Answer
from probes.aside import aside
from probes.capture import NothingCaptured, captured
from probes.expect import agreement, all_ok, check, shown, takes_its_time
from probes.expression import TooSlow
from probes.hooks import HookContext, call
from probes.login import LoginFailed, Trail, log_in
from probes.names import Known, UnsetName, filled, filled_text
from probes.record import Cause, Check, Lag
from probes.spec import METHODS, MUTATING, Request

if TYPE_CHECKING:
    from probes.load import Journey
    from probes.mailbox import Mailbox, Missing
    from probes.one_time_code import LastSteps
    from probes.spec import Capture, Expect, Login, Step
    from probes.visit import Visit

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0


class StepFailed(Exception):
    def __init__(self, cause: Cause, reason: str) -> None:
        super().__init__(reason)
        self.cause = cause
        self.reason = reason


@dataclass(slots=True)
class Progress:
    """What is known of a step so far. `waits_for` is what a deadline would cut off now, where that is no
    request."""

    trail: Trail = field(default_factory=Trail)
    checks: tuple[Check, ...] = ()
    captured: dict[str, str] = field(default_factory=dict)
    lag: Lag | None = None
    waits_for: StepFailed | None = None


@dataclass(frozen=True, slots=True)
class Actor:
    """Performs actions for one execution; `mailbox` where its journey waits for mail."""

    visit: Visit
    codes: LastSteps
    journey: Journey
    mailbox: Mailbox | None = None

    async def perform(self, step: Step, progress: Progress) -> None:
        try:
            await self._perform(step, progress)
        except (UnsetName, TooSlow) as error:
            raise StepFailed(Cause.OURS, str(error)) from None
        except LoginFailed as error:
            raise StepFailed(error.cause, error.reason) from None

    async def _perform(self, step: Step, progress: Progress) -> None:
        match step.action:
            case "login":
                assert step.login is not None
                await self._log_in(step, step.login, progress)
            case "mail":
                await self._mail(step, progress)
            case "hook":
                await self._hook(step, progress)
            case "poll":
                await self._poll(step, progress)
            case _ if step.alike is not None:
                await self._alike(step, progress)
            case _ if step.at_once > 1:
                await self._at_once(step, progress)
            case method:
                answer = await self._ask(step, method, progress)
                await self._judge(step, answer, progress)

    async def _log_in(self, step: Step, login: Login, progress: Progress) -> None:
        """What a login step expects is said of its last answer, and of all its hops."""
        trail = progress.trail
        await log_in(self.visit, login, trail, self.codes)
        if "expect" in step.model_fields_set and trail.answer is not None:
            await self._judge(step, replace(trail.answer, hops=tuple(trail.hops)), progress)

    async def _ask(self, step: Step, method: str, progress: Progress) -> Answer:
        visit, path = self.visit, getattr(step, method)
        request = visit.request("get" if method == "poll" else method, path, step, self._region(step))
        progress.trail.request = request
        wire = visit.wire
        asked = (
            wire.follow(request, fresh=step.fresh) if step.follow else wire.send(request, fresh=step.fresh)
        )
        answer = await asked
        if method in MUTATING:
            visit.acknowledged = time.monotonic()
        return progress.trail.add(request, answer)

    def _region(self, step: Step) -> str:
        region = self.visit.region
        return self.visit.entrance.other(region) if step.region == "other" else region

    async def _judge(self, step: Step, answer: Answer, progress: Progress) -> None:
        progress.checks += await self._checked(step.expect, answer, progress)
        _refuse_unmet(progress.checks, answer)
        await self._capture(step.capture, answer, progress)

    async def _checked(self, expect: Expect, answer: Answer, progress: Progress) -> tuple[Check, ...]:
        look = partial(check, expect, answer, dict(self.visit.names), time.time())
        return await _beside_the_loop(look, progress) if takes_its_time(expect) else look()

    async def _capture(self, captures: Mapping[str, Capture], answer: Answer, progress: Progress) -> None:
        for name, capture in captures.items():
            look = partial(captured, name, capture, answer)
            is_expression = capture.regex is not None or capture.code is not None
            try:
                found = await _beside_the_loop(look, progress) if is_expression else look()
                self._know(name, found, progress)
            except NothingCaptured as error:
                raise StepFailed(Cause.ASSERTION, str(error)) from None

    def _know(self, name: str, value: Known, progress: Progress) -> None:
        if isinstance(value, Secret):
            self.visit.made.append(value)
        self.visit.names[name] = value
        progress.captured[name] = str(value) if isinstance(value, Secret) else shown(value)

    async def _poll(self, step: Step, progress: Progress) -> None:
        """Until an answer is as wanted. Nobody looks between two answers, so the lag has two bounds: the
        start of the last question answered no, and the end of the first one answered yes."""
        assert step.until is not None
        began = time.monotonic()
        stale_at: float | None = None
        pause_s = FIRST_PAUSE_S
        while True:
            asked_at = time.monotonic()
            progress.trail.hops.clear()  # only the last question is kept: there may be hundreds
            answer = await self._ask(step, "poll", progress)
            answered_at = time.monotonic()
            progress.checks = await self._checked(step.until, answer, progress)
            if all_ok(progress.checks):
                break
            stale_at = asked_at
            await asyncio.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 1.5)
        if step.record is not None:
            progress.lag = self._lag(step.record, stale_at, answered_at, began)
        await self._capture(step.capture, answer, progress)

    def _lag(self, name: str, stale_at: float | None, fresh_at: float, began: float) -> Lag:
        """Counted from the answer to the last change, or, where nothing was changed, from the step's start:
        the effect has had the time, too, that we took in between to write the change down."""
        since = began if self.visit.acknowledged is None else self.visit.acknowledged
        return Lag(name, 0.0 if stale_at is None else max(0.0, stale_at - since), fresh_at - since)

    async def _mail(self, step: Step, progress: Progress) -> None:
        assert step.mail is not None
        if self.mailbox is None:
            where = self.visit.entrance.environment
            raise StepFailed(Cause.OURS, f"{where} says nowhere how mail is read: add `mail`")
        to, subject = filled_text(step.mail.to, self.visit.names), step.mail.subject
        progress.waits_for = StepFailed(Cause.OURS, "the mail server has not answered yet")

        def tell(missing: Missing) -> None:
            progress.waits_for = StepFailed(Cause.ASSERTION, _no_mail(to, subject, missing.others))

        began = time.monotonic()
        try:
            letter = await self.mailbox.wait_for_letter(to, subject, tell)
        except KeelwatchError as error:
            raise StepFailed(Cause.OURS, error.message) from None
        if step.record is not None:
            progress.lag = self._lag(step.record, letter.missing_at, letter.seen_at, began)
        await self._capture(step.capture, Answer(200, (), letter.text.encode(errors="replace"), ()), progress)

    async def _hook(self, step: Step, progress: Progress) -> None:
        assert step.hook is not None
        known = {name: value for name, value in self.visit.names.items() if not isinstance(value, Secret)}
        context = HookContext(self.journey.name, self.visit.region, known, self._ask_for_hook(progress))
        arguments = filled(step.hook.with_, self.visit.names)
        assert isinstance(arguments, dict)
        progress.waits_for = StepFailed(Cause.OURS, f"the hook {step.hook.uses} did not return")
        try:
            found = await call(step.hook.uses, self.journey.folder, context, arguments)
        except AssertionError as error:
            raise StepFailed(Cause.ASSERTION, str(error) or "the hook's assertion failed") from None
        except KeelwatchError as error:
            raise StepFailed(Cause.OURS, error.message) from None
        except Exception as error:  # noqa: BLE001 a user's code may raise anything; it is the journey's fault
            raise StepFailed(Cause.OURS, f"the hook raised {type(error).__name__}: {error}") from None
        given = {str(name): value for name, value in found.items()} if isinstance(found, Mapping) else {}
        for name in step.hook.gives or ():
            if name not in given:
                raise StepFailed(Cause.OURS, f"the hook gave no {name}, which the journey says it gives")
        for name, value in given.items():
            self._know(name, value, progress)

    def _ask_for_hook(self, progress: Progress) -> Callable[..., Awaitable[Answer]]:
        async def ask(method: str, path: str, body: JsonValue = None) -> Answer:
            request = self.visit.request(method, path, Request(body=body))
            answer = progress.trail.add(request, await self.visit.wire.follow(request))
            if method.lower() in MUTATING:
                self.visit.acknowledged = time.monotonic()
            return answer

        return ask

    async def _at_once(self, step: Step, progress: Progress) -> None:
        """The same request so many times at the same moment, each on a connection of its own."""
        method = step.action
        requests = [
            self.visit.request(method, getattr(step, method), step, self._region(step))
            for _ in range(step.at_once)
        ]
        progress.trail.request = requests[0]
        answers = await _together([self.visit.wire.send(one, fresh=True) for one in requests])
        if method in MUTATING:
            self.visit.acknowledged = time.monotonic()
        judged = [(answer, await self._checked(step.expect, answer, progress)) for answer in answers]
        for request, (answer, checks) in zip(requests, judged, strict=True):
            progress.trail.add(request, answer)
            progress.checks += checks
        for answer, checks in judged:
            _refuse_unmet(checks, answer)
        agreed = tuple(agreement(path, answers) for path in step.expect.agree)
        progress.checks += agreed
        _refuse_unmet(agreed, answers[0])
        await self._capture(step.capture, answers[0], progress)

    async def _alike(self, step: Step, progress: Progress) -> None:
        """Pairs of the same question about a known and an unknown subject, in changing order."""
        assert step.alike is not None
        names = self.visit.names
        subjects = [filled_text(step.alike.known, names), filled_text(step.alike.unknown, names)]
        for number in range(step.alike.pairs):
            pair = []
            for subject in subjects if number % 2 == 0 else subjects[::-1]:
                names[step.alike.vary] = subject
                pair.append((subject, await self._ask(step, step.action, progress)))
            pair.sort(key=lambda one: subjects.index(one[0]))
            progress.checks = await self._checked(step.expect, pair[0][1], progress)
            progress.checks += alike.compared(pair[0], pair[1])
            _refuse_unmet(progress.checks, pair[0][1])
        names.pop(step.alike.vary, None)


def _refuse_unmet(checks: tuple[Check, ...], answer: Answer) -> None:
    """Raises `StepFailed` for the first check that does not hold. The status comes first: after a 503 nobody
    asks what the body lacks."""
    unmet = next((one for one in checks if not one.ok), None)
    if unmet is None:
        return
    reason = f"{unmet.what}: wanted {unmet.expected}, got {unmet.found}"
    if unmet.what != "status":
        raise StepFailed(Cause.ASSERTION, reason)
    raise StepFailed(Cause.AUTH if answer.status in {401, 403} else Cause.HTTP, reason)


async def _beside_the_loop[Found](look: Callable[[], Found], progress: Progress) -> Found:
    """An expression may go mad on what a portal sent, so it does that where it stalls nobody."""
    before = progress.waits_for
    progress.waits_for = StepFailed(Cause.OURS, "an expression took too long")
    found = await aside("expressions", look)
    progress.waits_for = before
    return found


def _no_mail(to: str, subject: str | None, others: int) -> str:
    wanted = f"no mail to {to}" + (f" with a subject like /{subject}/" if subject is not None else "")
    return f"{wanted} came" + (f", though {others} other{'s' if others > 1 else ''} did" if others else "")


async def _together(asked: Sequence[Coroutine[None, None, Answer]]) -> list[Answer]:
    """All answers; the first failure ends the others, and is raised as it would be of one alone."""
    first: BaseException
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(one) for one in asked]
    except BaseExceptionGroup as failures:
        first = failures
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
    else:
        return [task.result() for task in tasks]
    raise first


def is_request(step: Step) -> bool:
    return step.action in METHODS
