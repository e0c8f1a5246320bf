"""Journeys for ever: each on its schedule, its results as metrics. The body of a run of kind `probe` too.

A shift ends after `SHIFT_S`, or as soon as an undo failed, and hands over to the next run: streams stay
short, and what was left behind belongs to a closed run, which `heal` can take up.
"""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.runs import Run, Stopped, Verdict, failed, inconclusive, passed
from keelwatch.runs.fields import mapping, number, whole
from keelwatch.runs.mark import read_mark
from keelwatch.workspace.entrance import Entrance
from keelwatch.workspace.errors import KeelwatchError, SourceError, UsageError
from keelwatch.workspace.paths import run_dir
from probes.accounts import quarantined
from probes.instance import Instance
from probes.metrics import ProbeMetrics, Server
from probes.run import Worker, instances_of, place_of, worker_of

SHIFT_S = 1800.0
FIRST_WITHIN_S = 20.0  # the first executions are spread over so long, or over their period
PORT_S, PORT_PAUSE_S = 10.0, 0.2
GONE_S = 15.0  # a sandbox that is gone for so long does not come back by itself
LOOK_S = 5.0
FIRST_PAUSE_S, LONGEST_PAUSE_S = 15.0, 900.0  # after a failed undo


def watch(run: Run) -> Verdict:
    """Raises what ends it for good, told in the stream too: followers of a watch read nothing else."""
    try:
        return asyncio.run(_Shift(run).work())
    except Stopped:
        raise
    except KeelwatchError as error:
        run.say("\n".join(filter(None, (error.message, error.hint))))
        raise


def arguments(
    workspace: Path, *, regions: Sequence[str], port: int, shard: tuple[int, int], sandbox: str = ""
) -> JsonObject:
    """`shard` (K, N): the K-th of N watchers, which share the instances among them. `sandbox`: another one
    than the workspace names."""
    return {
        "sandbox": sandbox,
        "workspace": str(workspace),
        "journeys": [],
        "regions": list(regions),
        "port": port,
        "shard": {"part": shard[0], "of": shard[1]},
        "shift_s": SHIFT_S,
        "pause_s": 0.0,
    }


def in_shard(name: str, part: int, of: int) -> bool:
    """Whether an instance is the part's; the same on every host, whatever other instances there are."""
    return int.from_bytes(sha256(name.encode()).digest()[:8]) % of == part - 1


def missed_by(now: float, due: float, every_s: float) -> int:
    """How many executions were due until `now`, the first of them at `due`."""
    return 0 if now <= due else int((now - due) // every_s) + 1


@dataclass(slots=True)
class _Ending:
    """Why the shift ends, what to call that, and whether another run follows."""

    reason: str = ""
    judge: Callable[[str], Verdict] = inconclusive
    goes_on: bool = False


class _Shift:
    def __init__(self, run: Run) -> None:
        self._run = run
        self._metrics = ProbeMetrics()
        self._ending = _Ending()
        self._ended = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._entrance: Entrance | None = None
        self._gone_since: float | None = None
        self._said = ""

    async def work(self) -> Verdict:
        run = self._run
        instances = self._scheduled()
        server = await self._serve()
        self._loop = asyncio.get_running_loop()
        try:
            run.say(f"watching {len(instances)} journeys, metrics on 127.0.0.1:{whole(run.args, 'port')}")
            if pause_s := number(run.args, "pause_s"):
                run.say(f"begins in {pause_s:.0f} s, for an undo failed: keelwatch heal")
            await self._perform(instances)
        except* KeelwatchError as errors:
            raise _first(errors) from None
        finally:
            server.close()
        run.check_stop()
        if not self._ending.goes_on:
            run.say(self._ending.reason)
            return self._ending.judge(self._ending.reason)
        return await self._hand_over()

    async def _perform(self, instances: Sequence[Instance]) -> None:
        async with (
            worker_of(self._run, self._undo_failed, tells_steps=False) as worker,
            asyncio.TaskGroup() as group,
        ):
            for index, instance in enumerate(instances):
                group.create_task(self._or_end(self._keep(instance, worker, index / len(instances))))
            group.create_task(self._or_end(self._look_around()))
            group.create_task(self._or_end(self._wait_for_the_end()))

    async def _or_end(self, part: Awaitable[None]) -> None:
        """An error of one part ends the shift for all: cancelling does not, for who undoes outlives it."""
        try:
            await part
        except BaseException:
            self._end("broken off")
            raise

    async def _hand_over(self) -> Verdict:
        run = self._run
        successor = await asyncio.to_thread(run.hand_over, {"pause_s": self._pause_s()})
        run.note("handed-over", {"to": successor})
        if run.stop_requested.is_set():  # it came while the successor started, who cannot know of it
            mark = read_mark(run_dir(successor) / "process.json")
            if mark is not None:
                mark.send(signal.SIGTERM)
            run.check_stop()
        words = f"{self._ending.reason}; goes on as {successor}"
        run.say(words)
        return self._ending.judge(words)

    def _pause_s(self) -> float:
        """How long the next shift waits first: longer each time an undo fails, for each costs the pool one
        account."""
        if self._ending.judge is not failed:
            return 0.0
        return min(LONGEST_PAUSE_S, max(FIRST_PAUSE_S, 2 * number(self._run.args, "pause_s")))

    def _scheduled(self) -> list[Instance]:
        shard = mapping(self._run.args, "shard")
        part, of = whole(shard, "part"), whole(shard, "of")
        workspace, self._entrance = place_of(self._run).find()
        planned = [
            one
            for one in instances_of(self._run, workspace, self._entrance)
            if one.journey.spec.schedule is not None
        ]
        if not planned:
            raise UsageError("no journey has a schedule", "add `schedule: {every: 1m}` to one")
        found = [one for one in planned if in_shard(one.name, part, of)]
        if not found:
            raise UsageError(
                f"none of {len(planned)} journeys falls to shard {part}/{of}", "use fewer shards"
            )
        for one in found:
            self._metrics.expect(one.journey.name, one.region)
        return found

    async def _serve(self) -> Server:
        """The port may still be the last shift's for a moment."""
        port, deadline = whole(self._run.args, "port"), time.monotonic() + PORT_S
        while True:
            try:
                return self._metrics.serve(port)
            except OSError as error:
                if time.monotonic() > deadline:
                    raise SourceError(
                        f"cannot serve metrics on 127.0.0.1:{port}: {error.strerror}",
                        "another watcher may run: keelwatch runs; or choose --port",
                    ) from None
            await asyncio.sleep(PORT_PAUSE_S)

    async def _keep(self, instance: Instance, worker: Worker, turn: float) -> None:
        """One instance on its schedule. `turn` (0..1) spreads the first executions."""
        spec = instance.journey.spec
        assert spec.schedule is not None
        every_s, jitter_s = spec.schedule.every.total_seconds(), spec.schedule.jitter.total_seconds()
        due = time.monotonic() + number(self._run.args, "pause_s") + turn * min(every_s, FIRST_WITHIN_S)
        while True:
            start = due + random.uniform(0, jitter_s)  # noqa: S311 it spreads load, no secret
            if await self._is_over(start):
                return
            if self._entrance is None:  # `_look_around` knows how long it has been gone
                self._metrics.miss(instance.journey.name, instance.region, 1)
            else:
                execution = await worker.perform(instance, worker.world(self._entrance), start)
                if execution is None:
                    return
                self._metrics.count(execution)
            due += every_s
            missed = missed_by(time.monotonic(), due, every_s) if spec.overlap == "skip" else 0
            if missed:
                self._metrics.miss(instance.journey.name, instance.region, missed)
                due += missed * every_s

    async def _is_over(self, due: float) -> bool:
        """Whether the shift ended before `due` (monotonic)."""
        try:
            async with asyncio.timeout_at(
                asyncio.get_running_loop().time() + max(0.0, due - time.monotonic())
            ):
                await self._ended.wait()
        except TimeoutError:
            return False
        return True

    async def _look_around(self) -> None:
        """The end of the shift, a sandbox that is gone, accounts in quarantine."""
        ends = time.monotonic() + number(self._run.args, "shift_s")
        while True:
            self._metrics.quarantine(len(await asyncio.to_thread(quarantined, self._run)))
            if await self._is_over(min(time.monotonic() + LOOK_S, ends)):
                return
            if time.monotonic() >= ends:
                self._end("the shift is over", passed, goes_on=True)
            await self._find_entrance()

    async def _find_entrance(self) -> None:
        """In a thread: reading the workspace takes as long as a fast answer, and would be late for one."""
        try:
            _, self._entrance = await asyncio.to_thread(place_of(self._run).find)
            self._gone_since = None
        except SourceError as error:
            self._entrance = None
            self._gone_since = self._gone_since or time.monotonic()
            if time.monotonic() - self._gone_since > GONE_S:
                self._end(error.message)
        except KeelwatchError as error:  # somebody is editing it: what was good before still is
            if error.message != self._said:
                self._said = error.message
                self._run.say(f"goes on with the workspace as it was: {error.message}")

    async def _wait_for_the_end(self) -> None:
        """A stop ends the shift at once."""
        while not await self._is_over(time.monotonic() + 0.2):
            if self._run.stop_requested.is_set():
                self._end(self._run.stop_requested.reason)

    def _undo_failed(self) -> None:
        """Called from the thread that undid."""
        assert self._loop is not None
        self._loop.call_soon_threadsafe(partial(self._end, "an undo failed", failed, goes_on=True))

    def _end(
        self, reason: str, judge: Callable[[str], Verdict] = inconclusive, *, goes_on: bool = False
    ) -> None:
        if not self._ended.is_set():
            self._ending = _Ending(reason, judge, goes_on)
            self._ended.set()


def _first(errors: ExceptionGroup[KeelwatchError]) -> KeelwatchError:
    """The parts of a shift fail for one reason: the first is told."""
    found: BaseException = errors
    while isinstance(found, BaseExceptionGroup):
        found = found.exceptions[0]
    assert isinstance(found, KeelwatchError)
    return found
