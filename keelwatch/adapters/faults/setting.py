"""`fault.set`: break something of a sandbox, for a while."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass

from keelwatch.adapters import sandbox
from keelwatch.adapters.arguments import amount, place_in, word
from keelwatch.adapters.faults.place import Target, amount_of, target_in
from keelwatch.adapters.sandbox import FaultLook
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError, Refused, UsageError
from keelwatch.workspace.reading import Condition

NAME = "fault.set"
CLEAR = "fault.clear"
ANSWER_S = 15.0  # what goes down is given time to stop
LOOK_S = 5.0
SETTLE_S = ANSWER_S + 1.0
LONGEST_S = 86_400.0


@dataclass(frozen=True, slots=True)
class FaultSetVerb:
    """Arguments: `fault` (`billing.errors`), `value` (`100%`, `300ms`, `on`), `region` (all), and `for_s`:
    then it ends by itself. A `crash` or `reload` happens once; it counts as set for `for_s`."""

    name: str = NAME
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        """`before` is the mark by which the sandbox will know this fault from others of its kind."""
        target, found, for_s = _look(args)
        if found.refusal:
            raise UsageError(f"{target.words}: {found.refusal}", "see: keelwatch chaos faults")
        if found.now is not None:
            left_s = max(0.0, found.now.until - time.time())
            raise Refused(
                f"{target.words} is set already, for another {left_s:.0f} s",
                f"wait, or end it: keelwatch sandbox fault clear {target.fault}",
            )
        strikes = f"; it stops {', '.join(found.strikes)}" if found.strikes else ""
        summary = f"sets {_words(args, target)} of sandbox {target.name} for {for_s:g} s{strikes}"
        before: JsonObject = {"mark": secrets.token_hex(8)}
        return Prediction(f"{args['environment']}/fault/{target.id}", before, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        target, value, for_s = _read(args)
        mark = word(attempt.before, "mark")
        done = sandbox.set_fault(
            target.fault,
            value,
            region=target.region,
            for_s=for_s,
            holder=mark,
            name=target.name,
            within_s=ANSWER_S,
        )
        return {"fault": done.id, "value": amount_of(done), "until": done.until, "mark": mark}

    def check(self, args: JsonObject) -> Condition:
        try:
            target, found, _ = _look(args)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        if found.now is None:
            return Condition.no(f"{target.words} is not set")
        words = f"{target.words}: {amount_of(found.now)}, since {time.time() - found.now.since:.1f} s"
        is_so = found.wanted is not None and found.now.amount == found.wanted.amount
        return Condition.yes(words) if is_so else Condition.no(words)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        named = {key: args[key] for key in ("fault", "region") if key in args}
        return Action(CLEAR, {**place_in(args), **named, "mark": before["mark"]})

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return sandbox.ask_access(_read(args)[0].name)


def _look(args: JsonObject) -> tuple[Target, FaultLook, float]:
    target, value, for_s = _read(args)
    found = sandbox.look_at_fault(
        target.fault, value, region=target.region, for_s=for_s, name=target.name, within_s=LOOK_S
    )
    return target, found, for_s


def _read(args: JsonObject) -> tuple[Target, str, float]:
    target, value = target_in(args, "value", "for_s"), word(args, "value")
    if "for_s" not in args:
        raise UsageError("the argument 'for_s' is missing", "every fault ends by itself: say after how long")
    for_s = amount(args, "for_s", 0, LONGEST_S)
    if not for_s:
        raise UsageError("the argument 'for_s' must be above 0")
    return target, value, for_s


def _words(args: JsonObject, target: Target) -> str:
    where = "all regions" if target.region == "all" else target.region
    return f"{target.fault} {word(args, 'value')} in {where}"
