"""What a run of a runbook puts on record of itself, and the ways in which a step ends the usual course."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, NoReturn

from keelwatch.ledger import FactKind
from keelwatch.workspace.errors import KeelwatchError
from runbooks.conduct.progress import Progress, StepState, fold

if TYPE_CHECKING:
    from keelwatch.runs import Run
    from runbooks.conduct.ask_world import Asked


class Aborted(KeelwatchError):
    """Somebody, or a limit, says that the run is to end here."""


class Tripped(KeelwatchError):
    """The guard of a step tripped, and the step was taken back."""


class WentBack(KeelwatchError):
    """An earlier step was taken back, and the run goes on from there."""


class Record:
    """Of one run."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._progress = Progress()
        self._seen = 0
        self._mutex = threading.Lock()

    def progress(self) -> Progress:
        """As it stands now: somebody else may have said something."""
        with self._mutex:
            facts = self._run.facts(FactKind.NOTE, FactKind.COMMAND, since=self._seen)
            if facts:
                self._progress = fold(self._progress, facts)
                self._seen = facts[-1].seq
            return self._progress

    def step(self, name: str, state: StepState, words: str = "") -> None:
        self._run.note("step", {"step": name, "state": state, "words": words})
        if state is not StepState.BEGUN:
            self._run.say(f"{name}: {state}" + (f", {words}" if words else ""))
        else:
            self._run.say(f"{name} ...")

    def asked(self, at: str, asked: Asked) -> None:
        payload = {
            "at": at,
            "name": asked.name,
            "answer": asked.found.answer,
            "evidence": asked.found.evidence,
        }
        self._run.note("asked-world", payload)

    def abort(self, reason: str) -> NoReturn:
        """On record first, so that whoever takes the run up again goes on taking back. Raises `Aborted`."""
        self._run.note("aborted", {"reason": reason})
        raise Aborted(reason)

    def refuse_aborted(self) -> None:
        """Raises `Aborted` once somebody has said so."""
        reason = self.progress().aborted
        if reason is not None:
            raise Aborted(reason or "aborted")

    @property
    def is_aborted(self) -> bool:
        return self.progress().aborted is not None
