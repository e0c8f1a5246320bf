"""Load beside an experiment: started before its baseline, stopped after its rollbacks."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from keelwatch.ledger import FactKind
from keelwatch.runs import Outcome, Phase, Run, stop
from keelwatch.safety.budget import reservations
from keelwatch.workspace.errors import ExitCode, Refused, UnknownResult

if TYPE_CHECKING:
    from pathlib import Path

    from keelwatch.ledger import JsonObject

UP_WITHIN_S = 30.0
ANSWERED_WITHIN_S = 60.0
"""From its gate on: generators gather first, and its first stage may begin with nobody."""
SETTLES_S = 3.0
LOOK_S = 0.2
DOWN_WITHIN_S = 30.0
GUARD = "guard-tripped"
ANSWERED = "answered"
"""The note of a load whose first request was answered well (`loadtests.run`)."""


class UnderLoad:
    """A run of `profile`, for `for_s` seconds from when it has settled. Its journeys count as load, its guard
    is its own."""

    def __init__(self, run: Run, workspace: Path, profile: str, for_s: float, seed: int) -> None:
        self._run = run
        arguments: Callable[..., JsonObject] = import_module("loadtests.instance").arguments
        most_s = ANSWERED_WITHIN_S + SETTLES_S + for_s
        args = arguments(workspace, profile, for_s=most_s, seed=seed, beside=run.id)
        self.id = run.start("load", profile, args)
        run.note("load", {"run": self.id, "profile": profile})
        run.say(f"under load: {profile} (run {self.id})")

    def settle(self) -> None:
        """Wait until its gate has let it through, a request of it was answered well, and it has been at it
        for a moment: before that there is no load before the baseline. Raises `Refused` where its gate does
        not, `UnknownResult` when it does not come up."""
        self._await(self._is_let_through, UP_WITHIN_S, "did not come up")
        self._await(self._is_answered, ANSWERED_WITHIN_S, "had no good answer")
        end = time.monotonic() + SETTLES_S
        while time.monotonic() < end:
            self._require()
            self._run.wait(LOOK_S)

    def _await(self, holds: Callable[[], bool], within_s: float, what: str) -> None:
        give_up = time.monotonic() + within_s
        while not holds():
            self._require()
            if time.monotonic() > give_up:
                raise UnknownResult(f"the load {what} in {within_s:.0f} s", f"keelwatch attach {self.id}")
            self._run.wait(LOOK_S)

    def _is_answered(self) -> bool:
        """It says so itself, once."""
        return any(fact.event == ANSWERED for fact in self._run.facts_of(self.id, FactKind.NOTE))

    def _is_let_through(self) -> bool:
        """A load has a guard, so it sets budget aside before it begins."""
        return bool(reservations(self._run.facts_of(self.id, FactKind.NOTE)))

    def _require(self) -> None:
        lost = self.lost
        if not lost:
            return
        verdict = self._run.other(self.id).state.verdict
        if verdict is not None and verdict.exit_code is ExitCode.REFUSED:
            raise Refused(f"the load may not start: {verdict.reason}", f"keelwatch load show {self.id}")
        raise UnknownResult(f"the load did not come up: {lost}", f"keelwatch attach {self.id}")

    @property
    def tripped(self) -> str:
        """What its guard tripped on; that is as good as ours."""
        verdict = self._run.other(self.id).state.verdict
        is_guard = verdict is not None and verdict.outcome is Outcome.INCONCLUSIVE and GUARD in verdict.reason
        return f"the load's guard: {verdict.reason}" if verdict is not None and is_guard else ""

    @property
    def lost(self) -> str:
        """Why it puts no load on any more; empty while it does."""
        view = self._run.other(self.id)
        if view.state.verdict is not None:
            return f"load run {self.id} ended: {view.state.verdict}"
        return "" if view.phase in {Phase.RUNNING, Phase.STOPPING} else f"load run {self.id} is {view.phase}"

    def end(self) -> str:
        """Stop it; returns what makes it worthless, empty when it did its work to the end of ours."""
        if lost := self.lost:
            return lost
        stop(self.id, f"the experiment is over ({self._run.id})")
        deadline = time.monotonic() + DOWN_WITHIN_S
        while (view := self._run.other(self.id)).state.verdict is None:
            if time.monotonic() > deadline:
                return f"load run {self.id} does not end"
            time.sleep(0.1)
        verdict = view.state.verdict
        return f"load run {self.id}: {verdict}" if verdict.outcome is Outcome.INVALID else ""
