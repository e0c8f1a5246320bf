"""`flag.set`: a switch of the portal, in one region or in all."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keelwatch.adapters import sandbox
from keelwatch.adapters.arguments import place_in, truth, truths, word
from keelwatch.adapters.portal.place import sandbox_in
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError, UsageError
from keelwatch.workspace.reading import Condition

NAME = "flag.set"
SETTLE_S = 6.0
ANSWER_S = 5.0


@dataclass(frozen=True, slots=True)
class FlagVerb:
    """Arguments: `flag`, and either `to` (true or false; with `region`, there alone) or `values` (region to
    true or false), which is for taking back."""

    name: str = NAME
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        name, flag, now = _look(args)
        wanted = _wanted(args, now)
        words = ", ".join(f"{region}: {_on(now[region])} -> {_on(wanted[region])}" for region in wanted)
        before: JsonObject = {"values": {region: now[region] for region in wanted}}
        return Prediction(f"{args['environment']}/flag/{flag}", before, f"{flag} of sandbox {name}: {words}")

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        name, flag, now = _look(args)
        wanted = _wanted(args, now)
        after = sandbox.set_flag(flag, wanted, name=name, within_s=ANSWER_S)
        return {"flag": flag, "values": dict(after)}

    def check(self, args: JsonObject) -> Condition:
        try:
            _, flag, now = _look(args)
            wanted = _wanted(args, now)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        words = ", ".join(f"{region} {_on(one)}" for region, one in now.items())
        is_so = all(now[region] is one for region, one in wanted.items())
        return Condition.yes(f"{flag}: {words}") if is_so else Condition.no(f"{flag}: {words}")

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return Action(
            NAME, {**place_in(args), "flag": word(args, "flag"), "values": truths(before, "values")}
        )

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return sandbox.ask_access(sandbox_in(args, NAME, "flag", "to", "region", "values"))


def _look(args: JsonObject) -> tuple[str, str, Mapping[str, bool]]:
    """The sandbox, the flag, and what it is now by region."""
    name, flag = sandbox_in(args, NAME, "flag", "to", "region", "values"), word(args, "flag")
    flags = sandbox.status(name, ANSWER_S).flags
    if flag not in flags:
        raise UsageError(f"sandbox {name} has no flag {flag!r}", "there are: " + ", ".join(flags))
    return name, flag, flags[flag]


def _wanted(args: JsonObject, now: Mapping[str, bool]) -> dict[str, bool]:
    values, region = truths(args, "values"), word(args, "region", "")
    if bool(values) == ("to" in args):
        raise UsageError("give either `to` or `values`")
    if not values:
        to = truth(args, "to", default=False)
        values = {one: to for one in now if region in {"", one}}
    strange = [one for one in values or [region] if one not in now]
    if strange:
        raise UsageError(f"no region {strange[0]!r}", "there are: " + ", ".join(now))
    return values


def _on(value: bool) -> str:  # noqa: FBT001
    return "on" if value else "off"
