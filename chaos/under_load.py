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
SETTLES_S = 3.0
LOOK_S = 0.2
DOWN_WITHIN_S = 30.0
GUARD = "guard-tripped"


class UnderLoad:
    """A run of `profile`. Its journeys count as load, its guard is its own."""

    def __init__(self, run: Run, workspace: Path, profile: str, for_s: float, seed: int) -> None:
        self._run = run
        arguments: Callable[..., JsonObject] = import_module("loadtests.instance").arguments
        self.id = run.start("load", profile, arguments(workspace, profile, for_s=for_s, seed=seed))
        run.note("load", {"run": self.id, "profile": profile})
        run.say(f"under load: {profile} (run {self.id})")

    def settle(self) -> None:
        """Wait until its gate has let it through and it has been at it for a moment. Raises `Refused` where
        its gate does not, `UnknownResult` when it does not come up."""
        give_up = time.monotonic() + UP_WITHIN_S
        while not self._is_let_through():
            self._require()
            if time.monotonic() > give_up:
                raise UnknownResult(
                    f"the load did not come up in {UP_WITHIN_S:.0f} s", f"keelwatch attach {self.id}"
                )
            self._run.wait(LOOK_S)
        end = time.monotonic() + SETTLES_S
        while time.monotonic() < end:
            self._require()
            self._run.wait(LOOK_S)

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
