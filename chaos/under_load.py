"""Load beside an experiment: started before its baseline, stopped after its rollbacks."""

from __future__ import annotations

import time
from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from keelwatch.runs import Outcome, Phase, Run, stop
from keelwatch.workspace.errors import UnknownResult

if TYPE_CHECKING:
    from pathlib import Path

    from keelwatch.ledger import JsonObject

UP_WITHIN_S = 30.0
SETTLES_S = 3.0
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
        """Wait until it has been at it for a moment. Raises `UnknownResult` when it ends before that."""
        end = time.monotonic() + SETTLES_S
        while time.monotonic() < end:
            if self.lost:
                raise UnknownResult(f"the load did not come up: {self.lost}", f"keelwatch attach {self.id}")
            self._run.wait(0.2)

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
