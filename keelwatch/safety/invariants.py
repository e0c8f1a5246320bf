"""What may never happen, whoever acts. Asked before and after every step, and before anything starts.

A rule is three-valued: what nobody can tell is unknown, and unknown lets nobody act.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from keelwatch.runs import Phase, RunView
from keelwatch.workspace.errors import Refused
from keelwatch.workspace.reading import Answer, Condition


class Rule(StrEnum):
    """By the names that a runbook gives them."""

    ONE_REGION_SERVING = "one-region-serving"
    NO_CHAOS_RUNNING = "no-chaos-running"
    NO_LOAD_RUNNING = "no-load-running"
    NO_RUNBOOK_RUNNING = "no-runbook-running"


RUNNING = {
    Rule.NO_CHAOS_RUNNING: "chaos",
    Rule.NO_LOAD_RUNNING: "load",
    Rule.NO_RUNBOOK_RUNNING: "runbook",
}
BESIDE: Mapping[str, tuple[Rule, ...]] = {
    "runbook": (Rule.NO_CHAOS_RUNNING, Rule.NO_LOAD_RUNNING),
    "chaos": (Rule.NO_RUNBOOK_RUNNING,),
    "load": (Rule.NO_RUNBOOK_RUNNING,),
    "probe": (),
}
"""What a run of each kind may not start, or go on, beside; whether two runbooks may is up to their lock."""


@dataclass(frozen=True, slots=True)
class Situation:
    """`serving`: region to whether customers reach it. `runs`: all that may not have ended."""

    environment: str
    serving: Mapping[str, Condition]
    runs: tuple[RunView, ...]


def holds(rule: Rule, now: Situation) -> Condition:
    """Whether `rule` holds in `now`; the evidence says what it rests on."""
    if rule is Rule.ONE_REGION_SERVING:
        return one_serves(now.serving)
    return none_runs(RUNNING[rule], now.environment, now.runs)


def one_serves(serving: Mapping[str, Condition]) -> Condition:
    """Yes when a region surely serves; unknown when none surely does and one may."""
    words = "; ".join(f"{region}: {found.evidence}" for region, found in serving.items())
    answers = {found.answer for found in serving.values()}
    for answer in (Answer.YES, Answer.UNKNOWN):
        if answer in answers:
            return Condition(answer, words)
    return Condition.no(words or "there is no region")


def none_runs(kind: str, environment: str, runs: Iterable[RunView]) -> Condition:
    """A run that is paused, or that died and was not taken back, still counts: its work is half done."""
    found = [run for run in runs if run.state.kind == kind and run.state.env == environment and _counts(run)]
    if not found:
        return Condition.yes(f"no {kind} run in {environment}")
    words = ", ".join(f"{run.state.id} of {run.state.actor} ({run.phase})" for run in found)
    return Condition.no(f"{kind}: {words}")


def require_beside(kind: str, environment: str, runs: Iterable[RunView]) -> None:
    """Raises `Refused` when a run of `kind` may not act beside those that live in `environment`."""
    living = tuple(runs)
    for rule in BESIDE.get(kind, ()):
        found = none_runs(RUNNING[rule], environment, living)
        if found.answer is not Answer.YES:
            raise Refused(
                f"a {kind} run may not act in {environment} now ({rule}): {found.evidence}",
                "wait for it, or: keelwatch stop RUN; one that died: keelwatch heal",
            )


def _counts(run: RunView) -> bool:
    return run.phase is not Phase.ENDED
