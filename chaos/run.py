"""A run of an experiment: what stands before it, Chaos Toolkit in a process of its own, the guard beside it,
and what is owed afterwards."""

from __future__ import annotations

import os
import signal
import sys
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from chaos.desk import Desk
from chaos.line import FOLDER_VARIABLE
from chaos.notebook import Notebook
from chaos.order import Order, order_of
from chaos.under_load import UnderLoad
from chaos.verdict import judge
from chaos.watch import UNGUARDED_S, Reach, guard_of, proof_of
from keelwatch.runs import TOOL_VARIABLES, Bridge, Run, Verdict, invalid
from keelwatch.safety import Watching, require_beside
from keelwatch.safety.around import Around
from keelwatch.safety.gate import Budget, require_calm
from keelwatch.safety.said import GuardTelling
from keelwatch.safety.spending import telling_spent

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from chaos.spec import Extension
    from keelwatch.ledger import JsonObject
    from keelwatch.runs import Child

PAUSE_S = 0.1
SILENT_S = 5.0
"""The process of an experiment beats twice a second; silent for so long, it is frozen."""
ROLLBACKS_S = 30.0
COUNT_S = 5.0
LAST_WORDS_S = 1.0


def conduct(run: Run, look: Callable[[Order], Around] | None = None) -> Verdict:
    """Raises `Refused` when it may not begin, `Stopped` when it was told to stop before it had. `look` makes
    what asks the world, where it is not the environment's own."""
    order = order_of(run.args)
    around = (look or _around)(order)
    return Trial(run, order, extension_of(order), around).conduct()


def _around(order: Order) -> Around:
    return Around(order.workspace, order.environment, order.sandbox)


def extension_of(order: Order) -> Extension | None:
    """Our own part of the experiment, as it was pinned."""
    from chaos.spec import Extension

    return Extension.model_validate_json(_text(order)) if order.extension else None


def _text(order: Order) -> str:
    from keelwatch.ledger.fact import canonical

    return canonical(order.extension)


class Trial:
    """One experiment, once."""

    def __init__(self, run: Run, order: Order, extension: Extension | None, around: Around) -> None:
        self._run = run
        self._order = order
        self._extension = extension
        self._around = around
        self._notebook = Notebook(run)
        self._regions = _regions(order)
        self._trip = ""
        self._stopped = ""

    def conduct(self) -> Verdict:
        budget = self._admitted()
        if budget is None:
            return self._under_load()
        try:
            with telling_spent(budget):
                return self._under_load()
        finally:
            budget.settle()

    def _admitted(self) -> Budget | None:
        """Nothing that it may hurt burns already, and what it may spend is set aside. Raises `Refused`."""
        run, environment = self._run, self._order.environment
        run.note(
            "experiment",
            {"name": self._order.name, "title": self._order.title, "extension": self._order.extension},
        )
        run.lease(f"chaos/{environment}")
        require_beside("chaos", environment, run.others())
        if self._extension is None:
            run.say("no guard: the experiment has no extension `keelwatch`")
            return None
        readings = self._around.readings(self._extension.guard.burn_rate.objectives)
        require_calm(readings)
        budget = Budget(run, self._around, readings)
        budget.set_aside(self._extension.budget / 100)
        return budget

    def _under_load(self) -> Verdict:
        if not self._order.load:
            return self._guarded(None)
        load = UnderLoad(self._run, self._order.workspace, self._order.load, self._most_s(), self._order.seed)
        try:
            load.settle()
            return self._guarded(load)
        finally:
            load.end()

    def _guarded(self, load: UnderLoad | None) -> Verdict:
        around = self._around
        reach = Reach(proof_of(self._run, around, self._extension), self._notebook, self._run)
        if reason := reach.holds_already():
            return invalid(f"reach-unproven: {reason}")
        if self._extension is not None:
            self._notebook.note(every_s=self._extension.every.total_seconds())
        desk = Desk(
            self._run, self._order, self._extension, self._pinned(), around, self._notebook, self._regions
        )
        folder = self._run.spec.folder
        guard = guard_of(self._run, around, self._extension, self._regions)
        with Bridge(folder, desk.answer), reach, guard:
            child = self._start(folder)
            ended = False
            try:
                ended = self._attend(child, desk, guard, load)
            finally:
                child.stop(signal.SIGKILL, 0.0)
                desk.close("the experiment is over")
                self._run.undo_all()  # before a question that is still out is waited for, or last words are
            if ended:
                self._hear_out(child)
        self._keep(guard)
        self._notebook.close()
        if load is not None and (flaw := load.end()):
            self._trip = self._trip or load.tripped
            self._notebook.note(load=flaw)
        return judge(self._notebook.seen, self._trip, self._stopped)

    def _keep(self, guard: Watching) -> None:
        """What it answered last."""
        answers: JsonObject = {
            name: {"answer": found.answer, "evidence": found.evidence}
            for name, found in guard.answers.items()
        }
        self._run.note("guard", {"answers": answers, "trips": [str(one) for one in guard.trips]})

    def _pinned(self) -> Path:
        """The text that was ordered, not the file as it may be now."""
        file = self._run.spec.folder / f"experiment{self._order.suffix}"
        file.write_text(self._order.text, encoding="utf-8")
        return file

    def _start(self, folder: Path) -> Child:
        with (folder / "tool.log").open("ab") as log:
            return self._run.spawn_child(
                [sys.executable, "-P", "-m", "chaos.worker", "run", str(folder)],
                env={FOLDER_VARIABLE: str(folder)},
                stdout=log,
                stderr=log,
                cwd=self._order.folder if self._order.folder.is_dir() else folder,
                keep=TOOL_VARIABLES | set(self._order.variables),
            )

    def _attend(self, child: Child, desk: Desk, guard: Watching, load: UnderLoad | None) -> bool:
        """Until its process has ended, in whichever way; returns whether it did by itself."""
        telling = GuardTelling(self._run)
        while child.wait(PAUSE_S) is None:
            telling.tell(guard.answers)
            lost = load.lost if load is not None else ""
            self._trip = "; ".join(str(one) for one in guard.trips) or (load.tripped if load and lost else "")
            self._stopped = self._run.stop_requested.reason
            why = self._trip or self._stopped or desk.closed or lost
            if lost and not (self._trip or self._stopped):
                self._notebook.note(load=lost)
            if why:
                self._end(child, desk, why)
                return False
            if desk.is_greeted.is_set() and self._silent_s() > SILENT_S:
                self._notebook.note(died=f"frozen for {self._silent_s():.0f} s")
                return False
        return True

    def _hear_out(self, child: Child) -> None:
        """Its last words may be on their way still. Nothing of it acts any more, and what it did is taken
        back, so there is time."""
        end = time.monotonic() + LAST_WORDS_S
        while not self._is_told() and time.monotonic() < end:
            time.sleep(PAUSE_S)
        if not self._is_told():
            self._notebook.note(died=f"its process ended with {child.process.returncode}; see tool.log")

    def _is_told(self) -> bool:
        seen = self._notebook.seen
        return bool(seen.ended or seen.interrupted or seen.not_begun)

    def _end(self, child: Child, desk: Desk, why: str) -> None:
        """One signal, then as long as rollbacks may take: a second one would have them skipped."""
        desk.closed = desk.closed or why
        self._run.say(f"stopping: {why}")
        self._run.note("stopping", {"reason": why})
        if not desk.is_greeted.is_set():
            return  # it has done nothing, and has nothing to take back
        with suppress(ProcessLookupError):
            os.kill(child.process.pid, signal.SIGINT)
        end = time.monotonic() + ROLLBACKS_S
        told = ROLLBACKS_S
        while child.wait(PAUSE_S) is None:
            left = end - time.monotonic()
            if left <= 0 or self._silent_s() > SILENT_S:
                self._notebook.note(died="it did not end when it was told to")
                return
            if told - left >= COUNT_S:
                told = left
                self._run.say(
                    f"rollbacks: {left:.0f} s left, then what the run did is taken back without them"
                )

    def _silent_s(self) -> float:
        return time.monotonic() - self._notebook.heard

    def _most_s(self) -> float:
        guard = self._extension.guard if self._extension is not None else None
        return guard.most_time.total_seconds() if guard is not None and guard.most_time else UNGUARDED_S


def _regions(order: Order) -> Sequence[str]:
    from keelwatch.workspace.workspace import load_workspace

    return load_workspace(order.workspace).environment(order.environment)[1].regions
