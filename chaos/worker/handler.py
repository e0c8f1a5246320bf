"""Chaos Toolkit's events, as the run is told them. Its own registry swallows what a handler raises, but for
`KeyboardInterrupt`, which is how a wish to stop is heard between two activities."""

from __future__ import annotations

import itertools
import threading
from typing import Any

from chaoslib.run import RunEventHandler

from chaos.notebook import OURS
from chaos.words import equivalent
from chaos.worker.asking import Asking
from chaos.worker.stopping import Stopping
from chaos.worker.supervise import Supervisor
from chaos.worker.telling import Telling
from keelwatch.workspace.secret import Secret
from keelwatch.workspace.sink import SHORTEST

ACTS = ("act", "fault")


class NotLetThrough(KeyboardInterrupt):
    """A control did not come up, or something was out of bounds: the experiment does not begin."""


class Handler(RunEventHandler):  # type: ignore[misc]  # Chaos Toolkit has no types
    """Tells phases, steps and answers of the hypothesis."""

    def __init__(
        self,
        telling: Telling,
        stopping: Stopping,
        supervisor: Supervisor,
        asking: Asking,
        *,
        stop_at_deviation: bool,
    ) -> None:
        self._telling = telling
        self._stopping = stopping
        self._supervisor = supervisor
        self._asking = asking
        self._stop_at_deviation = stop_at_deviation
        self._phase = "start"
        self._beside = threading.local()
        self._numbers = itertools.count(1)
        self._open: dict[int, int] = {}

    def started(self, experiment: Any, journal: Any) -> None:
        self._stopping.listen()
        self._telling.tell(
            "began",
            title=experiment.get("title"),
            steady_state=(experiment.get("steady-state-hypothesis") or {}).get("title"),
            probes=[one.get("name") for one in _resolved(experiment, _probes(experiment))],
            method=_planned(experiment, "method"),
            rolling_back=_planned(experiment, "rollbacks"),
            rollbacks=_own_rollbacks(experiment),
        )

    def running(
        self, experiment: Any, journal: Any, configuration: Any, secrets: Any, schedule: Any, settings: Any
    ) -> None:
        _hide(secrets)
        if self._supervisor.crashed or self._supervisor.refused:
            raise NotLetThrough

    def start_hypothesis_before(self, experiment: Any) -> None:
        self._enter("before")

    def hypothesis_before_completed(self, experiment: Any, state: Any, journal: Any) -> None:
        self._stopping.leave()
        self._answer("before", state)

    def start_continuous_hypothesis(self, frequency: int) -> None:
        self._beside.phase = "during"

    def continuous_hypothesis_iteration(self, iteration_index: int, state: Any) -> None:
        self._answer("during", state)
        if self._stop_at_deviation and state is not None and not state["steady_state_met"]:
            self._stopping.wish("the hypothesis does not hold")

    def start_method(self, experiment: Any) -> None:
        """Nothing is broken before the run has on record which rollbacks that will take."""
        self._phase = "method"
        self._telling.tell("phase", phase="method")
        if not self._telling.is_heard():
            self._stopping.wish("the run does not hear")
        self._stopping.enter()

    def method_completed(self, experiment: Any, state: Any = None) -> None:
        self._stopping.leave()
        self._asking.begin()

    def start_hypothesis_after(self, experiment: Any) -> None:
        self._enter("after")

    def hypothesis_after_completed(self, experiment: Any, state: Any, journal: Any) -> None:
        self._stopping.leave()
        self._answer("after", state)

    def start_rollbacks(self, experiment: Any) -> None:
        self._stopping.leave()
        self._stopping.be_deaf()
        self._supervisor.roll_back(experiment.get("rollbacks") or [])
        self._phase = "rollbacks"
        self._telling.tell("phase", phase="rollbacks")

    def rollbacks_completed(self, experiment: Any, journal: Any) -> None:
        self._phase = "end"
        self._telling.tell("phase", phase="end")

    def interrupted(self, experiment: Any, journal: Any) -> None:
        self._stopping.give_up("interrupted")
        self._asking.cease()
        self._telling.tell("interrupted")

    def signal_exit(self) -> None:
        self._stopping.be_deaf()
        self._stopping.leave()
        self._asking.cease()
        self._telling.tell("interrupted", reason=self._stopping.why)

    def start_activity(self, activity: Any) -> None:
        number = next(self._numbers)
        self._open[threading.get_ident()] = number
        provider = {key: value for key, value in activity["provider"].items() if key != "secrets"}
        self._telling.tell(
            "step",
            number=number,
            phase=self._where(),
            state="begun",
            name=str(activity.get("name")),
            type=activity.get("type"),
            provider=provider,
            background=bool(activity.get("background")),
            ours=_is_ours(activity),
        )
        self._stopping.check()

    def activity_completed(self, activity: Any, run: Any) -> None:
        number = self._open.pop(threading.get_ident(), 0)
        trouble = run.get("exception")
        if self._where() == "method" and activity.get("type") == "action":
            self._asking.begin()
        self._telling.tell(
            "step",
            number=number,
            phase=self._where(),
            state=run.get("status", "interrupted"),
            name=str(activity.get("name")),
            type=activity.get("type"),
            output=run.get("output"),
            took_s=run.get("duration"),
            error=str(trouble[-1]).strip() if trouble else "",
            ours=_is_ours(activity),
            own=_is_own(activity),
        )

    def _enter(self, phase: str) -> None:
        self._phase = phase
        self._telling.tell("phase", phase=phase)
        self._stopping.enter()

    def _where(self) -> str:
        return getattr(self._beside, "phase", self._phase)

    def _answer(self, when: str, state: Any) -> None:
        if state is None:
            return
        last = state["probes"][-1] if state["probes"] else {}
        met = state["steady_state_met"]
        name = last.get("activity", {}).get("name", "")
        status = last.get("status", "")
        self._telling.tell(
            "hypothesis",
            when=when,
            met=bool(met),
            probe="" if met else name,
            status=status,
            output=last.get("output"),
            ours=_is_ours(last.get("activity", {})),
        )


def _own_rollbacks(experiment: Any) -> list[str]:
    found = _resolved(experiment, experiment.get("rollbacks", []))
    return [str(one.get("name")) for one in found if _is_own(one)]


def _planned(experiment: Any, part: str) -> list[dict[str, str]]:
    """What is to be done, before it is: its variables are not filled in yet."""
    return [
        {
            "name": str(one.get("name")),
            "type": str(one.get("type")),
            "equivalent": equivalent(one.get("provider") or {}),
        }
        for one in _resolved(experiment, experiment.get(part) or [])
    ]


def _resolved(experiment: Any, found: list[Any]) -> list[Any]:
    """An activity that is named by `ref` stands elsewhere in the experiment."""
    known = {one.get("name"): one for one in [*experiment.get("method", []), *_probes(experiment)]}
    return [known.get(one["ref"], one) if "ref" in one else one for one in found]


def _probes(experiment: Any) -> list[Any]:
    return list((experiment.get("steady-state-hypothesis") or {}).get("probes") or [])


def _is_ours(activity: Any) -> bool:
    """Whether a step goes through the run."""
    return activity.get("provider", {}).get("module") in OURS


def _is_own(activity: Any) -> bool:
    """Whether a rollback is one that only the experiment itself can play: what went through the run, the run
    takes back and verifies."""
    return not _is_ours(activity) or activity.get("provider", {}).get("func") in ACTS


def _hide(secrets: Any) -> None:
    """What the experiment keeps secret is masked in all that is told."""
    match secrets:
        case str() if len(secrets) >= SHORTEST:
            Secret(secrets)
        case dict():
            for inner in secrets.values():
                _hide(inner)
