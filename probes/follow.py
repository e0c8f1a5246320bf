"""A run of journeys as its follower sees it, put together again from the stream. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import cast

from keelwatch.ledger import Fact, FactKind, JsonObject
from keelwatch.runs import StreamLine
from keelwatch.runs.fields import mapping, number, text, whole
from probes.record import Begun, Cause, Execution, Result, StepRecord, UndoRecord
from probes.record_json import execution_of, step_of

type Where = tuple[str, str]
"""A journey and a region."""


@dataclass(frozen=True, slots=True)
class StepTold:
    where: Where
    step: StepRecord


type News = StepTold | Execution


@dataclass(slots=True)
class Followed:
    """What a run of journeys has told so far."""

    plan: list[Where] = field(default_factory=list)
    executions: dict[Where, Execution] = field(default_factory=dict)
    steps: dict[Where, list[StepRecord]] = field(default_factory=dict)
    begun: dict[Where, Begun] = field(default_factory=dict)

    def take(self, line: StreamLine) -> News | None:
        """What is new in a line of the stream; None where it says nothing of a journey, or in the words of
        another version."""
        try:
            return self._take(line)
        except (ValueError, TypeError, IndexError):
            return None

    def _take(self, line: StreamLine) -> News | None:
        sample = mapping(line.record, "sample")
        if "plan" in sample:
            self.plan = [(str(one[0]), str(one[1])) for one in cast("list[list[str]]", sample["plan"])]
        if begun := mapping(sample, "begun"):
            self.begun[text(begun, "journey"), text(begun, "region")] = _begun(begun)
        if step := mapping(sample, "step"):
            told = StepTold((text(step, "journey"), text(step, "region")), step_of(step))
            self.steps.setdefault(told.where, []).append(told.step)
            return told
        if execution := mapping(sample, "execution"):
            found = execution_of(execution)
            self.executions[found.journey, found.region] = found
            return found
        return None

    def running(self) -> list[Where]:
        return [where for where in self.steps if where not in self.executions]

    def outcome(
        self, environment: str, run: str, reason: str, undos: Mapping[str, Sequence[UndoRecord]]
    ) -> list[Execution]:
        """An execution for everything planned, in that order; one that the run did not end is inconclusive,
        with the steps that it did. `undos`, by execution: what came of them in the end, whoever made them."""
        planned = self.plan or list(self.executions)
        return [
            with_final_undos(self.executions[where], undos)
            if where in self.executions
            else self._cut_off(environment, run, where, reason, undos)
            for where in planned
        ]

    def _cut_off(
        self,
        environment: str,
        run: str,
        where: Where,
        reason: str,
        undos: Mapping[str, Sequence[UndoRecord]],
    ) -> Execution:
        steps = self.steps.get(where, [])
        begun = self.begun.get(where) or Begun(where[0], where[1], "", "", "", "", 0.0)
        return Execution(
            environment=environment,
            journey=begun.journey,
            component=begun.component,
            region=begun.region,
            run=run,
            id=begun.id,
            account=begun.account,
            trace=begun.trace,
            started=begun.started,
            took_s=sum(step.took_ms for step in steps) / 1000,
            result=Result.INCONCLUSIVE,
            reason=reason,
            cause=Cause.OURS,
            failed_step=None,
            steps=tuple(steps),
            undos=tuple(undos.get(begun.id, ())) if begun.id else (),
        )


def with_final_undos(execution: Execution, undos: Mapping[str, Sequence[UndoRecord]]) -> Execution:
    """`execution` as it stands in the end: an undo that failed at first may have been made since. The same
    object where nothing was."""
    final = tuple(undos.get(execution.id, ()))
    if not execution.left_behind or _done(final) == _done(execution.undos):
        return execution
    return replace(execution, undos=final)


def _done(undos: Iterable[UndoRecord]) -> dict[str, bool]:
    return {undo.step: undo.done for undo in undos}


def undos_in(facts: Iterable[Fact]) -> dict[str, list[UndoRecord]]:
    """What the facts of a run say of its undos, whoever made them, by execution; newest step first."""
    steps: dict[int, str] = {}
    found: dict[int, UndoRecord] = {}
    for fact in facts:
        body = fact.payload or {}
        undoes = whole(body, "undoes")
        match fact.kind:
            case FactKind.INTENT if undoes == 0 and body.get("undo"):
                steps[fact.seq] = text(body, "step")
                found[fact.seq] = UndoRecord(
                    _own(steps[fact.seq]), done=False, error="not undone: keelwatch heal"
                )
            case FactKind.RESULT if undoes in steps:
                done = text(body, "outcome") == "undone"
                found[undoes] = UndoRecord(_own(steps[undoes]), done, text(body, "error"))
            case _:
                pass
    by_execution: dict[str, list[UndoRecord]] = {}
    for seq in sorted(found, reverse=True):
        by_execution.setdefault(steps[seq].partition("/")[0], []).append(found[seq])
    return by_execution


def _own(step: str) -> str:
    """The step's name without its execution."""
    return step.partition("/")[2]


def _begun(found: JsonObject) -> Begun:
    return Begun(
        journey=text(found, "journey"),
        region=text(found, "region"),
        component=text(found, "component"),
        id=text(found, "id"),
        account=text(found, "account"),
        trace=text(found, "trace"),
        started=number(found, "started"),
    )
