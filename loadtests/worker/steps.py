"""The steps of one journey, one after the other, in a greenlet: each judged as a probe's is."""

from __future__ import annotations

import time
from functools import partial
from typing import TYPE_CHECKING

import gevent
from gevent import Timeout

from keelwatch.workspace.secret import Secret
from loadtests.worker.process import told_of
from loadtests.worker.wire import LoadWire, driven
from probes.action import StepFailed as NotWritten
from probes.answer import Answer
from probes.capture import NothingCaptured, captured
from probes.expect import agreement, all_ok, check
from probes.expression import TooSlow
from probes.login import LoginFailed, Trail, log_in
from probes.names import UnsetName
from probes.wire import NotOurs, WireFailure
from probes.written import Writer

if TYPE_CHECKING:
    from loadtests.worker.book import Book
    from loadtests.worker.visit import LoadVisit
    from probes.load import Journey
    from probes.place import Place
    from probes.record import Check
    from probes.spec import Expect, Step

FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.02, 1.0


class StepFailed(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Steps:
    """Of one execution. `own_s`: what bookkeeping took, nobody's latency; `has_changed`: an undo is owed."""

    def __init__(
        self, journey: Journey, place: Place, execution: str, visit: LoadVisit, wire: LoadWire, book: Book
    ) -> None:
        self._journey = journey
        self._visit = visit
        self._wire = wire
        self._book = book
        account = visit.account
        self._writer = Writer(journey, place, execution, book.pool, account.name if account else "")
        self.own_s = 0.0
        self.has_changed = False

    def perform(self, index: int, step: Step) -> None:
        """Raises `StepFailed`; Locust is told of the step's requests either way."""
        self._wire.name = f"{self._journey.name}: {step.title}"
        limit = Timeout(step.within.total_seconds())
        owed = self._announce(index, step)
        limit.start()
        try:
            answer = self._act(step)
        except Timeout as over:
            if over is not limit:
                raise
            self.cut_off(f"{step.within.total_seconds():g} s")
            raise StepFailed(f"{step.title}: no end within {step.within.total_seconds():g} s") from None
        except _FAILURES as error:
            reason = _reason(error)
            self._wire.judged(reason)
            raise StepFailed(f"{step.title}: {reason}") from None
        except Exception as error:  # noqa: BLE001 -- whatever else it meets, it has failed
            reason = f"{type(error).__name__}: {told_of(error)}"
            self._wire.judged(reason)
            raise StepFailed(f"{step.title}: {reason}") from None
        finally:
            limit.cancel()
        self._wire.judged("")
        if owed is not None:
            self._report(owed, answer)

    def cut_off(self, by: str) -> None:
        """A deadline struck: the request that was going on never came to its end, or the last answer was not
        the one that was waited for."""
        self._wire.cut_off(f"cut off by {by}")

    def _act(self, step: Step) -> Answer | None:
        match step.action:
            case "login":
                assert step.login is not None
                trail = Trail()
                driven(log_in(self._visit, step.login, trail, self._book.codes))
                return trail.answer
            case "poll":
                return self._poll(step)
            case _ if step.at_once > 1:
                return self._at_once(step)
            case method:
                answer = self._ask(step, method)
                self._judge(step.expect, answer)
                self._capture(step, answer)
                return answer

    def _ask(self, step: Step, method: str) -> Answer:
        visit = self._visit
        region = visit.entrance.other(visit.region) if step.region == "other" else visit.region
        path = getattr(step, method)
        request = visit.request("get" if method == "poll" else method, path, step, region)
        asked = self._wire.follow if step.follow else self._wire.send
        answer: Answer = driven(asked(request, fresh=step.fresh))
        return answer

    def _poll(self, step: Step) -> Answer:
        assert step.until is not None
        pause_s = FIRST_PAUSE_S
        while True:
            self._wire.judged("")  # the one before: asking again is what a poll is for; its last has failed
            answer = self._ask(step, "poll")
            if all_ok(self._checks(step.until, answer)):
                self._capture(step, answer)
                return answer
            gevent.sleep(pause_s)
            pause_s = min(LONGEST_PAUSE_S, pause_s * 1.5)

    def _at_once(self, step: Step) -> Answer:
        asked = [gevent.spawn(partial(self._ask, step, step.action)) for _ in range(step.at_once)]
        gevent.joinall(asked, raise_error=True)
        answers: list[Answer] = [one.value for one in asked]
        for answer in answers:
            self._judge(step.expect, answer)
        _refuse_unmet([agreement(path, answers) for path in step.expect.agree])
        self._capture(step, answers[0])
        return answers[0]

    def _judge(self, expect: Expect, answer: Answer) -> None:
        _refuse_unmet(self._checks(expect, answer))

    def _checks(self, expect: Expect, answer: Answer) -> tuple[Check, ...]:
        if expect.phases or expect.tls_expires:
            expect = expect.model_copy(update={"phases": {}, "tls_expires": None})
        return check(expect, answer, self._visit.names, time.time())

    def _capture(self, step: Step, answer: Answer) -> None:
        for name, capture in step.capture.items():
            value = captured(name, capture, answer)
            if isinstance(value, Secret):
                self._visit.made.append(value)
            self._visit.names[name] = value

    def _announce(self, index: int, step: Step) -> int | None:
        """The run has it on record, with its undo, before it is sent."""
        if step.undo is None or step.undo.none is not None:
            return None
        began = time.monotonic()
        try:
            intent = self._writer.intent(index, step, self._visit)
        except NotWritten as error:
            raise StepFailed(f"{step.title}: {error.reason}") from None
        owed = self._book.announce(*intent)
        self.has_changed = True
        self.own_s += time.monotonic() - began
        return owed

    def _report(self, owed: int, answer: Answer | None) -> None:
        began = time.monotonic()
        self._book.report(owed, answer.status if answer else 0)
        self.own_s += time.monotonic() - began


class _Unmet(Exception):
    pass


_FAILURES = (_Unmet, LoginFailed, WireFailure, NothingCaptured, UnsetName, TooSlow, NotOurs)


def _reason(error: Exception) -> str:
    return str(getattr(error, "reason", "") or error)


def _refuse_unmet(checks: tuple[Check, ...] | list[Check]) -> None:
    unmet = next((one for one in checks if not one.ok), None)
    if unmet is not None:
        raise _Unmet(f"{unmet.what}: wanted {unmet.expected}, got {unmet.found}")
