"""A run of journeys: which, where, and what came of each. The body of every run of kind `probe`.

Its process is the worker: at most `IN_FLIGHT` executions share its event loop, for more would distort each
other's times; the rest wait for their turn, which is no customer's time.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import cast

from keelwatch.ledger import FactKind, JsonObject
from keelwatch.runs import Run, Verdict, failed, inconclusive, passed
from keelwatch.runs.fields import text
from keelwatch.workspace.entrance import Entrance
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.workspace import Workspace
from probes.accounts import Accounts
from probes.engine import World, execute
from probes.follow import undos_in, with_final_undos
from probes.history import History
from probes.instance import Instance, change_something, chosen
from probes.load import load_wanted
from probes.place import Place
from probes.record import Begun, Execution, Result, StepRecord
from probes.record_json import to_json
from probes.run_book import RunBook
from probes.wire import LagMeter, Resolver, warm_up

IN_FLIGHT = 16


def run_journeys(run: Run) -> Verdict:
    """Run every journey that the arguments name, once in each region they name."""
    return asyncio.run(_run_all(run))


def instances_of(run: Run, workspace: Workspace, entrance: Entrance) -> list[Instance]:
    """Raises `UsageError` for a journey or region that is not there, `InputError` for a file of
    theirs that is bad."""
    names = cast("list[str]", run.args["journeys"])
    known, _ = load_wanted(workspace.folders["probes"], names)
    return chosen(
        known,
        names or sorted(known),
        cast("list[str]", run.args["regions"]),
        list(entrance.regions),
    )


def place_of(run: Run) -> Place:
    return Place(Path(text(run.args, "workspace")), run.spec.env, text(run.args, "sandbox"))


async def _run_all(run: Run) -> Verdict:
    workspace, entrance = place_of(run).find()
    instances = instances_of(run, workspace, entrance)
    run.sample({"plan": [[one.journey.name, one.region] for one in instances]})
    async with worker_of(run) as worker:
        world = worker.world(entrance)
        async with _guarded(run, instances):
            executions = await asyncio.gather(*[worker.perform(one, world) for one in instances])
    run.check_stop()
    return verdict_of([one for one in executions if one is not None])


@asynccontextmanager
async def _guarded(run: Run, instances: Sequence[Instance]) -> AsyncIterator[None]:
    """A guardian takes a moment to start: it does so beside the first steps, not before the first intent."""
    if not change_something(instances):
        yield
        return
    starting = asyncio.ensure_future(asyncio.to_thread(run.guardian.ensure))
    try:
        yield
    finally:
        with suppress(KeelwatchError):  # whoever announces an intent finds the same, and says so
            await starting


@asynccontextmanager
async def worker_of(
    run: Run, failed_undo: Callable[[], None] = lambda: None, *, tells_steps: bool = True
) -> AsyncIterator[Worker]:
    """A worker whose executions are cancelled, and so undone, when the run is told to stop. A run that goes
    on for ever tells no single steps: they are in its executions."""
    loop = asyncio.get_running_loop()
    run.sample({"warm_up_ms": round(warm_up(), 1)})  # ours, before any clock of a journey runs
    async with LagMeter() as lag:
        worker = Worker(run, lag, failed_undo, tells_steps=tells_steps)
        loop.add_reader(run.stop_requested.fileno(), worker.stop)
        try:
            yield worker
        finally:
            loop.remove_reader(run.stop_requested.fileno())


class Worker:
    """Performs executions in this event loop. `failed_undo` is told when one could not be taken back."""

    def __init__(
        self, run: Run, lag: LagMeter, failed_undo: Callable[[], None], *, tells_steps: bool
    ) -> None:
        self._run = run
        self._tells_steps = tells_steps
        self._lag = lag
        self._failed_undo = failed_undo
        self._resolver = Resolver()
        self._gate = asyncio.Semaphore(IN_FLIGHT)
        self._tasks: set[asyncio.Task[Execution]] = set()
        self._accounts = Accounts(run)
        self._left_behind: list[Execution] = []
        run.at_the_end(self._tell_what_was_undone_after_all)

    def world(self, entrance: Entrance) -> World:
        return World(
            entrance=entrance,
            place=place_of(self._run),
            run=self._run.id,
            book=RunBook(self._run, entrance, self._accounts, self._failed_undo),
            resolver=self._resolver,
            lag=self._lag,
            say=self._run.say,
            stopping=lambda: self._run.stop_requested.reason,
        )

    def stop(self) -> None:
        asyncio.get_running_loop().remove_reader(self._run.stop_requested.fileno())
        for task in self._tasks:
            task.cancel()

    async def perform(self, instance: Instance, world: World, due: float | None = None) -> Execution | None:
        """One execution, told to the run's stream step by step and kept in the history; None when the run was
        stopped before its turn came. `due` is the monotonic time it was scheduled for."""
        async with self._gate:
            if self._run.stop_requested.is_set():
                return None
            slip_s = 0.0 if due is None else max(0.0, time.monotonic() - due)
            task = asyncio.ensure_future(
                execute(instance.journey, instance.region, world, self._tell(instance), slip_s)
            )
            self._tasks.add(task)
            try:
                execution = await task
            finally:
                self._tasks.discard(task)
        if execution.left_behind:
            self._left_behind.append(execution)
        await asyncio.to_thread(self._keep, execution)
        return execution

    def _keep(self, execution: Execution) -> None:
        self._run.sample({"execution": to_json(execution)})
        History(execution.environment).keep(execution)

    def _tell_what_was_undone_after_all(self) -> None:
        """The run tries once more before it closes: the record of an execution says how it stands then."""
        if self._left_behind:
            undos = undos_in(self._run.facts(FactKind.INTENT, FactKind.RESULT))
            for before in self._left_behind:
                after = with_final_undos(before, undos)
                if after is not before:
                    self._keep(after)

    def _tell(self, instance: Instance) -> Callable[[Begun | StepRecord], None]:
        head: JsonObject = {"journey": instance.journey.name, "region": instance.region}

        def tell(news: Begun | StepRecord) -> None:
            match news:
                case Begun():
                    self._run.sample({"begun": cast("JsonObject", asdict(news))})
                case StepRecord():
                    self._run.sample({"step": {**head, **to_json(news)}})

        return tell if self._tells_steps else lambda _: None


def verdict_of(executions: Sequence[Execution]) -> Verdict:
    """A failure outweighs what is unknown. What is left behind outweighs both, and is known only when the run
    has tried to take it back for the last time: the kernel says so."""
    bad = [one for one in executions if one.result is Result.FAIL]
    vague = [one for one in executions if one.result not in {Result.FAIL, Result.PASS}]
    count = f"of {len(executions)}"
    if bad:
        return failed(f"{len(bad)} {count} failed: {_named(bad)}")
    if vague:
        return inconclusive(f"{len(vague)} {count} could not be judged: {_named(vague)}")
    return passed(f"{len(executions)} {count} passed")


def _named(executions: Sequence[Execution]) -> str:
    names = [f"{one.journey} ({one.region})" for one in executions]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
