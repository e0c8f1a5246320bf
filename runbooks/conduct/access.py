"""Whether whoever carries a runbook out may do what its steps do: every target is asked before the first one.

All at once, for it comes after somebody has decided, and customers are waiting.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from keelwatch.workspace.errors import KeelwatchError, SourceError
from keelwatch.workspace.reading import Condition
from runbooks.inputs import fill
from runbooks.stages import Mode, stages_of
from runbooks.verbs.catalogue import BY_THE_RUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from keelwatch.runs import Action, Run
    from runbooks.conduct.ask_world import World
    from runbooks.conduct.order import Order
    from runbooks.spec import Step

AT_ONCE = 16


@dataclass(frozen=True, slots=True)
class _Question:
    """One action, and the steps that it is asked for."""

    action: Action
    steps: list[Step] = field(default_factory=list)


def access(run: Run, world: World, order: Order, steps: Sequence[Step]) -> Condition:
    """A no names every trouble, not only the first. What cannot be asked is none where the run is ungraceful
    and the step says what is done then; a right that is missing always is."""
    questions = _questions(world, order, steps)
    if not questions:
        return Condition.yes("no step acts on anything that could be asked")
    with ThreadPoolExecutor(min(AT_ONCE, len(questions))) as pool:
        answers = list(pool.map(lambda one: _ask(run, one.action), questions))
    needed: list[str] = []
    borne: list[str] = []
    troubles: list[str] = []
    for question, answer in zip(questions, answers, strict=True):
        if not isinstance(answer, KeelwatchError):
            needed += answer
            continue
        for step in question.steps:
            instead = _instead(step, order) if isinstance(answer, SourceError) else ""
            if instead:
                borne.append(f"{step.id}: not asked, {answer.message}; then {instead}")
            else:
                troubles.append(f"{step.id}: {_with_hint(answer)}")
    return Condition.no(_once(troubles)) if troubles else Condition.yes(_once([*needed, *borne]))


def _questions(world: World, order: Order, steps: Sequence[Step]) -> Sequence[_Question]:
    """Each verb with the same arguments once."""
    found: dict[str, _Question] = {}
    for step, action in _actions(world, order, steps):
        key = json.dumps([action.verb, action.args], sort_keys=True)
        question = found.setdefault(key, _Question(action))
        question.steps.append(step)
    return list(found.values())


def _actions(world: World, order: Order, steps: Sequence[Step]) -> Iterator[tuple[Step, Action]]:
    for step in steps:
        for stage in stages_of(step, order.values, order.mode):
            if stage.action.verb not in BY_THE_RUN:
                yield step, world.placed(stage.action)


def _ask(run: Run, action: Action) -> tuple[str, ...] | KeelwatchError:
    try:
        return run.access(action)
    except KeelwatchError as error:
        return error


def _instead(step: Step, order: Order) -> str:
    """What the runbook says is done when the step cannot be; empty when it does not say."""
    different = step.ungraceful if order.mode is Mode.UNGRACEFUL else None
    if different is None:
        return ""
    if different.skip is not None:
        return f"it is left out: {fill(different.skip, order.values)}"
    if different.accept is not None:
        return f"the run goes on: {fill(different.accept, order.values)}"
    return "a person is asked" if different.if_unreachable == "ask" else "it is left out"


def _with_hint(error: KeelwatchError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _once(words: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(words))
