"""One execution of a journey, from the lease of an account to the last undo.

Deadlines are total: of the step, of the journey, and of the undos, which have a time of their own. Whatever
happens, what was done until then is in the record, and what was changed is taken back.
"""

from __future__ import annotations

import asyncio
import secrets
import time
import traceback
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

from keelwatch.workspace.entrance import Entrance
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.sink import narrate, redact
from probes.action import Actor, StepFailed
from probes.aside import aside
from probes.book import Book, Leased, NoAccount
from probes.load import Journey
from probes.mailbox import Mailbox
from probes.names import UnsetName, filled_text
from probes.one_time_code import LastSteps
from probes.place import Place
from probes.record import Begun, Cause, Execution, Result, StepRecord, StepState, UndoRecord
from probes.step import StepRunner
from probes.taking_back import LIVING, Live
from probes.visit import Visit, first_names
from probes.wire import LagMeter, Resolver, Trust, Wire
from probes.written import Writer

ACCOUNT_S, ACCOUNT_PAUSE_S = 20.0, 0.25  # for an account that another run has


@dataclass(frozen=True, slots=True)
class World:
    """What all executions of one process share. `place` is where undos find the entrance again; `stopping`
    says what told the run to stop, and nothing until then."""

    entrance: Entrance
    place: Place
    run: str
    book: Book
    resolver: Resolver
    lag: LagMeter
    say: Callable[[str], None] = lambda _: None
    stopping: Callable[[], str] = lambda: ""


type Tell = Callable[[Begun | StepRecord], None]


async def execute(journey: Journey, region: str, world: World, tell: Tell, slip_s: float = 0.0) -> Execution:
    """Run `journey` in `region`; `tell` hears that it begins, and each step as it ends. Cancel the task to
    stop: it undoes what it did and returns. Never raises for what a journey or a portal can do."""
    return await _Executing(journey, region, world, tell, slip_s).run()


class _Executing:
    def __init__(self, journey: Journey, region: str, world: World, tell: Tell, slip_s: float) -> None:
        self.journey = journey
        self.spec = journey.spec
        self.region = region
        self.world = world
        self.tell = tell
        self.slip_s = slip_s
        self.id = secrets.token_hex(6)
        self.trace = secrets.token_hex(16)
        self.started = time.time()
        self.began = time.monotonic()
        self.steps: list[StepRecord] = []
        self.undos: list[UndoRecord] = []
        self.leased: Leased | None = None
        self.live = Live(None)
        self.trouble: StepFailed | None = None
        self.result = Result.PASS
        self.own_s = 0.0
        self.visit: Visit | None = None

    async def run(self) -> Execution:
        try:
            await self._in_time()
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None:
                task.uncancel()
            why = self.world.stopping()
            self._end(Result.INCONCLUSIVE, StepFailed(Cause.OURS, f"stopped: {why}" if why else "stopped"))
        took_s = time.monotonic() - self.began
        await self._close()
        return self._record(took_s)

    async def _in_time(self) -> None:
        try:
            await self._lease()
            self.tell(self._begun())
            async with asyncio.timeout(self.spec.deadline.total_seconds()) as clock:
                await self._go(clock)
        except StepFailed as failure:
            self._end(_result_of(failure.cause), failure)
        except TimeoutError:
            self._end_late()
        except (KeelwatchError, OSError) as error:
            self._end(Result.INVALID, StepFailed(Cause.OURS, str(error)))
        except Exception as error:  # noqa: BLE001 our own bug in one journey must not stop the others
            narrate(traceback.format_exc())
            self._end(Result.INVALID, StepFailed(Cause.OURS, f"internal error: {type(error).__name__}"))

    async def _lease(self) -> None:
        pool = self.spec.as_
        if pool is None:
            return
        since = time.monotonic()
        while True:
            try:
                self.leased = await asyncio.to_thread(
                    self.world.book.lease, pool.pool, self.region, exclusive=pool.lease == "exclusive"
                )
            except NoAccount as error:
                if (
                    error.is_ours
                ):  # it comes back: an execution has a deadline, and waits for one code at most
                    since = time.monotonic()
                elif time.monotonic() - since > ACCOUNT_S:
                    raise StepFailed(Cause.OURS, str(error)) from None
                await asyncio.sleep(ACCOUNT_PAUSE_S)
            else:
                self.began = time.monotonic()  # waiting for an account is no customer's time
                return

    async def _go(self, clock: asyncio.Timeout) -> None:
        world, account = self.world, self.leased.account if self.leased else None
        entrance = world.entrance
        async with AsyncExitStack() as open_until_the_end:
            wire = Wire(Trust.of(entrance.ca), world.resolver, world.lag, entrance.hosts)
            await open_until_the_end.enter_async_context(wire)
            visit = Visit(entrance, self.region, wire, self.trace, account, clocks=[clock])
            visit.say = lambda words: world.say(f"{self.spec.journey} ({self.region}): {words}")
            visit.names |= first_names(account, self.region, self.id, self.trace)
            for name, reference in self.spec.secrets.items():
                visit.names[f"secret.{name}"] = self.journey.secret(reference)
            self.visit = visit
            LIVING[self.id] = self.live = Live(None, say=visit.say)
            mailbox = await self._mailbox(visit, wire, open_until_the_end, clock)
            runner = StepRunner(
                visit=visit,
                actor=Actor(visit, LastSteps(entrance.environment), self.journey, mailbox),
                book=world.book,
                writer=self._writer(),
                began=self.began,
                keep=self._keep,
                stopping=world.stopping,
            )
            try:
                for index, step in enumerate(self.spec.steps):
                    await runner.perform(index, step)
                    self.live.session = visit.session
            finally:
                self.own_s = runner.own_s

    async def _mailbox(
        self, visit: Visit, wire: Wire, open_until_the_end: AsyncExitStack, clock: asyncio.Timeout
    ) -> Mailbox | None:
        """Opened before the first step, to know which letters are old; that is no customer's time. None where
        nothing waits for mail, or nobody says where it is."""
        awaited = [step.mail.to for step in self.spec.steps if step.mail is not None]
        if not awaited or not visit.entrance.mail_api:
            return None
        began, when = time.monotonic(), clock.when()
        mailbox = await open_until_the_end.enter_async_context(Mailbox(visit.entrance, wire))
        await mailbox.note_what_is_there(_filled(awaited, visit))
        took_s = time.monotonic() - began
        self.began += took_s
        if when is not None:
            clock.reschedule(when + took_s)
        return mailbox

    def _begun(self) -> Begun:
        return Begun(
            journey=self.spec.journey,
            region=self.region,
            component=self.spec.component,
            id=self.id,
            account=self.leased.account.name if self.leased else "",
            trace=self.trace,
            started=self.started,
        )

    def _writer(self) -> Writer:
        return Writer(
            journey=self.journey,
            place=self.world.place,
            execution=self.id,
            pool=self.spec.as_.pool if self.spec.as_ else "",
            account=self.leased.account.name if self.leased else "",
        )

    def _keep(self, record: StepRecord) -> None:
        self.steps.append(record)
        self.tell(record)

    def _end_late(self) -> None:
        """The deadline is the portal's to keep, but for what was our own when it struck."""
        cut_off = self.steps[-1].cause if self.steps else None
        cause = cut_off or Cause.HTTP
        deadline_s = self.spec.deadline.total_seconds()
        self._end(_result_of(cause), StepFailed(cause, f"not done within {deadline_s:g} s"))

    def _end(self, result: Result, trouble: StepFailed) -> None:
        self.result, self.trouble = result, trouble

    async def _close(self) -> None:
        """Take back, give back. A cancellation while it undoes changes nothing: it has its own deadline."""
        book, leased = self.world.book, self.leased
        undoing = asyncio.ensure_future(self._undo())
        while not undoing.done():
            try:
                await asyncio.shield(undoing)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if task is not None:
                    task.uncancel()
        self.undos = undoing.result()
        if self.visit is not None:
            self.visit.forget()
        if leased is not None:
            await asyncio.to_thread(book.give_back, leased)

    async def _undo(self) -> list[UndoRecord]:
        """In a thread of its own: where undos queue for one, a slow portal makes the last of them fail."""
        self.live.reserve_s = self.spec.cleanup_reserve.total_seconds()
        try:
            return await aside(f"undo {self.id}", partial(self.world.book.undo, f"{self.id}/"))
        except KeelwatchError as error:
            return [UndoRecord(step="all", done=False, error=error.message)]
        finally:
            LIVING.pop(self.id, None)

    def _record(self, took_s: float) -> Execution:
        failed = next((one.index for one in self.steps if one.state is StepState.FAILED), None)
        skipped = [
            StepRecord(index, step.title, step.action, StepState.SKIPPED)
            for index, step in enumerate(self.spec.steps)
            if index >= len(self.steps)
        ]
        hops = [hop for step in self.steps for hop in step.hops]
        return Execution(
            environment=self.world.entrance.environment,
            journey=self.spec.journey,
            component=self.spec.component,
            region=self.region,
            run=self.world.run,
            id=self.id,
            account=self.leased.account.name if self.leased else "",
            trace=self.trace,
            started=self.started,
            took_s=max(0.0, took_s - self._waited_s() - self.own_s - self._late_s()),
            result=self.result,
            reason=redact(self.trouble.reason) if self.trouble else "",
            cause=self.trouble.cause if self.trouble else None,
            failed_step=failed,
            steps=(*self.steps, *skipped),
            undos=tuple(self.undos),
            first_try=not any(step.retries for step in self.steps),
            tainted=any(hop.tainted for hop in hops),
            lag_ms=self.world.lag.worst_ms(self.began),
            slip_s=self.slip_s,
        )

    def _late_s(self) -> float:
        """What our own loop added to the hops; those of one step at once were late together."""
        late_ms = [
            sum(hop.ours_ms for hop in step.hops) / self.spec.steps[step.index].at_once for step in self.steps
        ]
        return sum(late_ms) / 1000

    def _waited_s(self) -> float:
        return sum(step.waited_s for step in self.steps)


def _filled(addresses: list[str], visit: Visit) -> list[str]:
    """Those known from the start; one that a portal gives on the way is a new one."""
    found = []
    for address in addresses:
        with suppress(UnsetName):
            found.append(filled_text(address, visit.names))
    return found


def _result_of(cause: Cause) -> Result:
    return Result.INVALID if cause is Cause.OURS else Result.FAIL


__all__ = ["World", "execute"]
