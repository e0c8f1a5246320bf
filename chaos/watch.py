"""What is watched while an experiment runs: its guard, and whether the fault shows in traffic."""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Self

from keelwatch.safety import Watching
from keelwatch.safety.limits import asks_of
from keelwatch.safety.questions import elapsed_below
from keelwatch.workspace.reading import Answer, Condition

if TYPE_CHECKING:
    from chaos.notebook import Notebook
    from chaos.spec import Extension
    from keelwatch.runs import Run
    from keelwatch.safety.around import Around
    from keelwatch.safety.watching import Ask

EVERY_S = 1.0
UNGUARDED_S = 3600.0
CLEAR_WITHIN_S = 30.0


def guard_of(run: Run, around: Around, extension: Extension | None, regions: Sequence[str]) -> Watching:
    """The limits of the experiment's guard; one without ends after an hour all the same."""
    began = time.monotonic()
    guard = extension.guard if extension is not None else None
    asks = asks_of(guard, around, run, regions) if guard is not None else {}
    most_s = guard.most_time.total_seconds() if guard is not None and guard.most_time else UNGUARDED_S
    return Watching({**asks, "time": lambda: elapsed_below(time.monotonic() - began, most_s)})


def proof_of(run: Run, around: Around, extension: Extension | None) -> Ask | None:
    """What holds once the fault shows in traffic; None where nobody said how it does."""
    if extension is None:
        return None
    if (query := extension.reaches) is not None:
        return lambda: around.promql_holds(query)
    if (broken := extension.breaks) is not None:
        return lambda: _turned(around.journeys(run, [broken.journey], broken.region))
    return None


def _turned(found: Condition) -> Condition:
    turned = {Answer.YES: Answer.NO, Answer.NO: Answer.YES}
    return Condition(turned.get(found.answer, found.answer), found.evidence)


class Reach:
    """A context in which the proof is looked for: PromQL that holds while the faults are on, and did not
    before. Without a query nobody looks, and nobody knows."""

    def __init__(self, ask: Ask | None, notebook: Notebook, run: Run) -> None:
        self._ask = ask
        self._notebook = notebook
        self._run = run
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="reach", daemon=True)

    def holds_already(self) -> str:
        """Why it proves nothing; empty once it does not hold. What is left of an earlier fault may fade
        first."""
        if self._ask is None:
            return ""
        end = time.monotonic() + CLEAR_WITHIN_S
        while (found := self._ask()).answer is not Answer.NO:
            if time.monotonic() > end or found.answer is Answer.UNKNOWN:
                return f"the proof is {found.answer} before the method: {found.evidence}"
            self._run.wait(EVERY_S)
        return ""

    def __enter__(self) -> Self:
        if self._ask is not None:
            self._notebook.note(reached=False)
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.is_alive():
            self._thread.join(EVERY_S)

    def _watch(self) -> None:
        assert self._ask is not None
        while not self._over.wait(EVERY_S):
            if not self._notebook.is_on:
                continue
            found = self._ask()
            if found.answer is Answer.YES:
                self._notebook.note(reached=True)
                self._run.note("reached", {"evidence": found.evidence})
                self._run.say(f"the fault reached traffic: {found.evidence}")
                return
