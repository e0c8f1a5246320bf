"""`fault.clear`: a fault ends, and whoever suffered of it is back."""

from __future__ import annotations

from dataclasses import dataclass

from keelwatch.adapters import sandbox
from keelwatch.adapters.arguments import word
from keelwatch.adapters.faults.place import Target, target_in
from keelwatch.adapters.patience import Deadline
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError, SourceError
from keelwatch.workspace.reading import Answer, Condition

NAME = "fault.clear"
ANSWER_S = 15.0
BACK_S = 25.0  # a database may have to recover first
LOOK_S = 5.0
SETTLE_S = ANSWER_S + BACK_S + LOOK_S
PAUSE_S = 0.1


@dataclass(frozen=True, slots=True)
class FaultClearVerb:
    """Arguments: `fault`, `region` (all), and `mark`: then only what the act with this mark has set is ended;
    without it, whoever's it is. A sandbox that is down has no faults."""

    name: str = NAME
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        target, _ = _read(args)
        found = sandbox.look_at_fault(target.fault, region=target.region, name=target.name, within_s=LOOK_S)
        what = "ends" if found.now else "finds nothing to end of"
        return Prediction(
            f"{args['environment']}/fault/{target.id}", {}, f"{what} {target.words} of sandbox {target.name}"
        )

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        """Returns when whoever the fault had stopped is back, or may be waited for no longer."""
        target, mark = _read(args)
        if sandbox.is_gone(target.name):
            return {"ended": []}
        ended = sandbox.clear_faults(target.id, holder=mark, name=target.name, within_s=ANSWER_S)
        Deadline.within(BACK_S).until(lambda: _found(target, mark).answer is Answer.YES, PAUSE_S)
        return {"ended": [one.id for one in ended]}

    def check(self, args: JsonObject) -> Condition:
        try:
            target, mark = _read(args)
            return _found(target, mark)
        except KeelwatchError as error:
            return Condition.unknown(error.message)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return sandbox.ask_access(_read(args)[0].name)


def _found(target: Target, mark: str) -> Condition:
    """Whether the fault is gone, and its effect on processes and replay with it."""
    try:
        found = sandbox.look_at_fault(target.fault, region=target.region, name=target.name, within_s=LOOK_S)
    except SourceError as error:
        if sandbox.is_gone(target.name):
            return Condition.yes(f"sandbox {target.name} is down, and its faults are gone with it")
        return Condition.unknown(error.message)
    if found.now is not None and mark in {"", found.now.holder}:
        return Condition.no(f"{target.words} is in force")
    if found.now is not None:
        return Condition.yes(f"{target.words} is another's by now")
    if found.unwell:
        return Condition.no(f"{target.words} has ended, and not its effect: {', '.join(found.unwell)}")
    return Condition.yes(f"{target.words} is gone")


def _read(args: JsonObject) -> tuple[Target, str]:
    return target_in(args, "mark"), word(args, "mark", "")
