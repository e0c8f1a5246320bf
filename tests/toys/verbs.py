"""Verbs on the toy world, one of each kind that the kernel must be right about."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.runs.fields import number, text
from keelwatch.workspace import Condition, SourceError, UnknownResult
from tests.toys.world import crash_at, land, land_later, value


def _world(args: JsonObject) -> Path:
    return Path(text(args, "world"))


def _is(args: JsonObject, wanted: str) -> Condition:
    found = value(_world(args), text(args, "target"))
    evidence = f"{text(args, 'target')} is {found!r}"
    return Condition.yes(evidence) if found == wanted else Condition.no(evidence)


@dataclass(frozen=True)
class SetVerb:
    """Desired state: a file has a value. Arguments: world, target, value."""

    name: str = "toy.set"
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = 0.1

    def plan(self, args: JsonObject) -> Prediction:
        crash_at(_world(args), f"{text(args, 'value')}:plan")
        before = value(_world(args), text(args, "target"))
        return Prediction(text(args, "target"), {"value": before}, f"{before} -> {text(args, 'value')}")

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        world, target, wanted = _world(args), text(args, "target"), text(args, "value")
        crash_at(world, f"{wanted}:before")
        if (world / "broken").exists():
            raise SourceError(f"{target} is out of reach")
        land(world, self.name, target, wanted)
        crash_at(world, f"{wanted}:after")
        return {"value": wanted}

    def check(self, args: JsonObject) -> Condition:
        crash_at(_world(args), f"{text(args, 'value')}:check")
        return _is(args, text(args, "value"))

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return Action("toy.set", {**args, "value": text(before, "value")})

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return (f"write {_world(args)}",)


@dataclass(frozen=True)
class SlowVerb(SetVerb):
    """Like `toy.set`, but the request is on its way for `delay_s` seconds, and no kill calls it back."""

    name: str = "toy.slow"
    settle_s: float = 0.6

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        world, target, wanted = _world(args), text(args, "target"), text(args, "value")
        crash_at(world, f"{wanted}:before")
        land_later(world, self.name, target, wanted, number(args, "delay_s"))
        crash_at(world, f"{wanted}:flight")
        deadline = time.monotonic() + self.settle_s
        while value(world, target) != wanted:
            if time.monotonic() > deadline:
                raise UnknownResult(f"{target} did not answer within {self.settle_s} s")
            time.sleep(0.01)
        crash_at(world, f"{wanted}:after")
        return {"value": wanted}

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return Action("toy.set", {"world": args["world"], "target": args["target"], "value": before["value"]})


@dataclass(frozen=True)
class PromoteVerb(SetVerb):
    """Checkable: must happen once, and nothing takes it back."""

    name: str = "toy.promote"
    effect: EffectClass = EffectClass.CHECKABLE

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None


@dataclass(frozen=True)
class PageVerb(PromoteVerb):
    """Opaque: it happens, and nobody can tell afterwards."""

    name: str = "toy.page"
    effect: EffectClass = EffectClass.OPAQUE

    def check(self, args: JsonObject) -> Condition:
        return Condition.unknown("nobody can tell whether the pager rang")


@dataclass(frozen=True)
class OrderVerb(SetVerb):
    """Keyed: nobody can tell afterwards, but the target acts once for each key. Its first answers
    are lost where a file `mute` in the world says how many."""

    name: str = "toy.order"
    effect: EffectClass = EffectClass.KEYED

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        world, target, wanted = _world(args), text(args, "target"), text(args, "value")
        crash_at(world, f"{wanted}:before")
        with (world / "keys").open("a+") as keys:
            keys.seek(0)
            if attempt.key not in keys.read().splitlines():
                keys.write(f"{attempt.key}\n")
                land(world, self.name, target, wanted)
        crash_at(world, f"{wanted}:after")
        mute = int(value(world, "mute") or 0)
        if mute:
            (world / "mute").write_text(str(mute - 1))
            raise UnknownResult(f"{target} did not answer")
        return {"value": wanted}

    def check(self, args: JsonObject) -> Condition:
        return Condition.unknown("nobody can tell")

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return Action(self.name, {**args, "value": "cancelled"})


VERBS = {verb.name: verb for verb in (SetVerb(), SlowVerb(), PromoteVerb(), PageVerb(), OrderVerb())}
