"""What a runbook would do now: each step's effect as the real systems predict it, and a hash of the whole."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.ledger.fact import canonical
from keelwatch.runs import Action, Verb
from keelwatch.workspace.errors import KeelwatchError
from runbooks.conduct.world import standing_of
from runbooks.stages import Mode, stages_of
from runbooks.verbs.catalogue import CATALOGUE
from runbooks.words import step_words

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.workspace.estate import Estate
    from runbooks.conduct.order import Order
    from runbooks.spec import RunbookSpec, Step

UNTOLD = ("workspace", "environment", "sandbox", "instead_of", "need_up", "leaving", "even_if_unknown")
"""Arguments that only a verb reads."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """One step. `effects` say what each of its acts would do now; `way_back` how it is taken back; `trouble`
    why it could not be done now: of a step that follows from those before it, that is as it should be."""

    step: str
    words: str
    effects: tuple[str, ...] = ()
    way_back: str = ""
    trouble: str = ""
    skipped: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """`standing` is how the systems stand that it is made for; `sha` covers that, the text of the runbook,
    its inputs and the mode. Lag and traffic change by themselves, and are not in it."""

    runbook: str
    environment: str
    mode: Mode
    values: Mapping[str, str]
    standing: JsonObject
    steps: tuple[Forecast, ...]
    sha: str

    def as_json(self) -> JsonObject:
        return {
            "runbook": self.runbook,
            "mode": self.mode.value,
            "inputs": dict(self.values),
            "plan": self.sha,
            "standing": self.standing,
            "steps": [
                {
                    "step": one.step,
                    "does": one.words,
                    "effects": list(one.effects),
                    "way_back": one.way_back or None,
                    "trouble": one.trouble or None,
                    "skipped": one.skipped or None,
                }
                for one in self.steps
            ],
        }


def plan_of(order: Order, spec: RunbookSpec, estate: Estate, verbs: Mapping[str, Verb]) -> Plan:
    """Asks every system that a step acts on, and changes nothing."""
    standing = standing_of(estate)
    steps = tuple(_forecast(step, order, verbs) for step in spec.steps)
    sha = plan_sha(order, standing)
    return Plan(spec.runbook, order.environment, order.mode, order.values, standing, steps, sha)


def plan_sha(order: Order, standing: JsonObject) -> str:
    """The same for the same order in the same world."""
    of: JsonObject = {
        "text": order.text_sha,
        "runbook": order.name,
        "inputs": dict(order.values),
        "mode": order.mode.value,
        "environment": order.environment,
        "sandbox": order.sandbox,
        "standing": standing,
    }
    return hashlib.sha256(canonical(of).encode()).hexdigest()[:16]


def expected_loss(plan: JsonObject) -> str:
    """What a plan says a promotion would lose, in words."""
    steps = plan.get("steps")
    for one in steps if isinstance(steps, list) else []:
        effects = one.get("effects") if isinstance(one, dict) else None
        for effect in effects if isinstance(effects, list) else []:
            if "a promote now loses" in str(effect):
                return str(effect)
    return "nothing in this plan is promoted"


def _forecast(step: Step, order: Order, verbs: Mapping[str, Verb]) -> Forecast:
    words = "; ".join(step_words(step, order.values))
    if order.mode is Mode.UNGRACEFUL and step.ungraceful is not None and step.ungraceful.skip is not None:
        return Forecast(step.id, words, skipped=step.ungraceful.skip)
    effects: list[str] = []
    way_back = "none: the point of no return" if step.undo == "none" else ""
    for stage in stages_of(step, order.values, order.mode):
        verb = verbs.get(stage.action.verb)
        if verb is None or not CATALOGUE[stage.action.verb].acts:
            continue
        args = {**stage.action.args, **order.place}
        try:
            predicted = verb.plan(args)
        except KeelwatchError as error:
            return Forecast(step.id, words, tuple(effects), way_back, error.message)
        effects.append(predicted.summary)
        if step.undo == "previous" and not way_back:
            way_back = _words_of(verb.undo(args, predicted.before))
    if step.undo is not None and not isinstance(step.undo, str):
        way_back = "; ".join(_words_of(one.action) for one in stages_of(step.undo, order.values, order.mode))
    return Forecast(step.id, words, tuple(effects), way_back)


def _words_of(action: Action | None) -> str:
    if action is None:
        return "nothing to take back"
    told = {key: value for key, value in action.args.items() if key not in UNTOLD}
    return f"{action.verb} " + ", ".join(f"{key} {_value(value)}" for key, value in told.items())


def _value(value: object) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {one}" for key, one in value.items())
    return str(value)
