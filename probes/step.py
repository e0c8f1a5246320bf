"""One step of an execution: its deadline, its attempts, its intent and undo, and what goes on record."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from keelwatch.workspace.sink import redact
from probes.action import Actor, Progress, StepFailed, is_request
from probes.exchange import exchange
from probes.record import Cause, StepRecord, StepState
from probes.wire import NotOurs, WireFailure

if TYPE_CHECKING:
    from probes.book import Book, Owed
    from probes.spec import Step
    from probes.visit import Visit
    from probes.written import Writer

RETRY_PAUSE_S = 0.2
CAUSE_OF_PHASE = {"dns": Cause.DNS, "connect": Cause.TCP, "tls": Cause.TLS}


@dataclass(slots=True)
class StepRunner:
    """`began` is where the journey's clock starts (monotonic); `keep` gets the record of every step, also of
    the one that a deadline or a stop cuts off; `stopping` tells which it was. `own_s` is what our own
    bookkeeping took: disks and guardians are nobody's latency."""

    visit: Visit
    actor: Actor
    book: Book
    writer: Writer
    began: float
    keep: Callable[[StepRecord], None]
    stopping: Callable[[], str] = lambda: ""
    own_s: float = 0.0

    async def perform(self, index: int, step: Step) -> None:
        """Raises `StepFailed` when it failed; it is on record then, as it is on any other way out."""
        progress = Progress()
        started, own_before_s = time.monotonic(), self.own_s
        retries: list[str] = []
        failure: StepFailed | None = None
        try:
            await self._attempts(index, step, progress, retries)
        except StepFailed as error:
            failure = error
            raise
        except asyncio.CancelledError:
            why = self.stopping()
            failure = self._cut_off(f"a stop ({why})" if why else "the journey's deadline", progress)
            raise
        finally:
            trail = progress.trail
            passed_s = time.monotonic() - started - (self.own_s - own_before_s) - trail.waited_s
            late_ms = sum(hop.ours_ms for hop in trail.hops) / step.at_once  # at once means late together
            times_ms = (started - self.began) * 1000, max(0.0, passed_s * 1000 - late_ms)
            self.keep(self._record(index, step, progress, times_ms, retries, failure))

    async def _attempts(self, index: int, step: Step, progress: Progress, retries: list[str]) -> None:
        owed = await self._announce(index, step)
        while True:
            try:
                await self._attempt(step, progress)
            except StepFailed as error:
                if not error.cause.is_network or len(retries) >= step.retries:
                    if owed is not None and progress.trail.answer is not None:
                        await self._report(owed, progress)
                    raise
                retries.append(error.reason)
                progress.checks = ()
                await asyncio.sleep(RETRY_PAUSE_S)
            else:
                break
        if owed is not None:
            await self._report(owed, progress)

    async def _attempt(self, step: Step, progress: Progress) -> None:
        try:
            async with asyncio.timeout(step.within.total_seconds()) as clock:
                self.visit.clocks.append(clock)
                try:
                    await self.actor.perform(step, progress)
                finally:
                    self.visit.clocks.remove(clock)
        except TimeoutError:
            raise self._cut_off(f"{step.within.total_seconds():g} s", progress) from None
        except WireFailure as failure:
            progress.trail.hops += [*failure.earlier, failure.hop]
            raise StepFailed(failure.cause, failure.reason) from None
        except NotOurs as refusal:
            raise StepFailed(Cause.OURS, refusal.message) from None

    def _cut_off(self, by: str, progress: Progress) -> StepFailed:
        """A deadline's failure, blamed on what it interrupted."""
        pending = self.visit.wire.phase_now
        if pending is None and progress.waits_for is not None:
            waits_for = progress.waits_for
            return StepFailed(waits_for.cause, f"{waits_for.reason}: cut off by {by}")
        if pending is None:
            unmet = next((check for check in progress.checks if not check.ok), None)
            if unmet is None:
                return StepFailed(Cause.HTTP, f"cut off by {by}")
            reason = (
                f"still not as wanted after {by}: {unmet.what}: wanted {unmet.expected}, got {unmet.found}"
            )
            return StepFailed(Cause.ASSERTION, reason)
        progress.trail.hops += [*pending.earlier, pending.hop]
        reason = f"no answer: cut off by {by} during {pending.phase}"
        return StepFailed(CAUSE_OF_PHASE.get(pending.phase, Cause.HTTP), reason)

    async def _announce(self, index: int, step: Step) -> Owed | None:
        if step.undo is None or step.undo.none is not None or not is_request(step):
            return None
        name, target, action, undo = self.writer.intent(index, step, self.visit)
        return await self._booked(partial(self.book.announce, name, target, action, undo))

    async def _report(self, owed: Owed, progress: Progress) -> None:
        answer = progress.trail.answer
        status = answer.status if answer else 0
        await self._booked(partial(self.book.report, owed, {"status": status}))

    async def _booked[Kept](self, keep: Callable[[], Kept]) -> Kept:
        """Off the loop, and on no deadline: an intent that was begun is finished."""
        began = time.monotonic()
        try:
            return await asyncio.shield(asyncio.to_thread(keep))
        finally:
            self.own_s += time.monotonic() - began

    def _record(
        self,
        index: int,
        step: Step,
        progress: Progress,
        times_ms: tuple[float, float],
        retries: list[str],
        failure: StepFailed | None,
    ) -> StepRecord:
        trail = progress.trail
        return StepRecord(
            index=index,
            name=step.title,
            action=step.action,
            state=StepState.FAILED if failure else StepState.OK,
            started_ms=times_ms[0],
            took_ms=times_ms[1],
            waited_s=trail.waited_s,
            hops=tuple(trail.hops),
            checks=progress.checks,
            captured=dict(progress.captured),
            retries=tuple(redact(one) for one in retries),
            cause=failure.cause if failure else None,
            reason=redact(failure.reason) if failure else "",
            lag=progress.lag,
            exchange=exchange(trail.request, trail.answer, self.visit.names, self.visit.entrance.ca)
            if trail.request
            else None,
        )
