"""One act of a run on the world, as its facts tell it."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum

from keelwatch.ledger.fact import Fact, JsonObject
from keelwatch.runs.fields import mapping, number, text, whole
from keelwatch.runs.verb import Action
from keelwatch.workspace.clock import boot_id


class Fate(StrEnum):
    """What became of an intent."""

    DOUBT = "in-doubt"  # an intent without a result
    DONE = "done"
    FAILED = "failed"  # `do` said so; it may have happened in part
    NOT_DONE = "not-done"  # a check, or a person, says it never happened; or a later attempt stands for it


@dataclass(frozen=True, slots=True)
class Effect:
    """`seq` is that of the intent, `key` the same for every attempt of one step, `epoch` that of the
    lease it was made under (of the run itself, when it held no scope). `undo_tried` is an
    undo that was begun, `undo_error` why the last one failed; an effect that was undone is gone from
    its run's state. `boot_s` is the boot time (s) of the intent, on the boot `boot`."""

    run: str
    seq: int
    step: str
    key: str
    action: Action
    effect_class: str
    target: str
    before: JsonObject
    undo: Action | None
    settle_s: float
    number: int
    epoch: int
    boot: str
    boot_s: float
    fate: Fate = Fate.DOUBT
    evidence: JsonObject | None = None
    undo_tried: bool = False
    undo_error: str = ""

    @property
    def is_open(self) -> bool:
        """Whether its undo is still owed."""
        return self.undo is not None and self.fate is not Fate.NOT_DONE

    @property
    def may_land_late(self) -> bool:
        return self.fate in {Fate.DOUBT, Fate.FAILED}

    def unsettled_s(self) -> float:
        """Seconds until a request of it can no longer land; all of `settle_s` when the machine was started
        again since, for boot times do not compare then."""
        if self.boot != boot_id():
            return self.settle_s
        age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - self.boot_s
        return max(0.0, self.settle_s - age_s)


def intent_payload(effect: Effect) -> JsonObject:
    return {
        "step": effect.step,
        "key": effect.key,
        "verb": effect.action.verb,
        "args": effect.action.args,
        "effect": effect.effect_class,
        "target": effect.target,
        "before": effect.before,
        "undo": _action_payload(effect.undo),
        "settle_s": effect.settle_s,
        "attempt": effect.number,
        "epoch": effect.epoch,
        "boot": effect.boot,
        "boot_s": effect.boot_s,
    }


def effect_of(fact: Fact) -> Effect:
    """The effect that an intent announces."""
    payload = fact.body
    undo = mapping(payload, "undo")
    return Effect(
        run=fact.run,
        seq=fact.seq,
        step=text(payload, "step"),
        key=text(payload, "key"),
        action=Action(text(payload, "verb"), mapping(payload, "args")),
        effect_class=text(payload, "effect"),
        target=text(payload, "target"),
        before=mapping(payload, "before"),
        undo=Action(text(undo, "verb"), mapping(undo, "args")) if undo else None,
        settle_s=number(payload, "settle_s"),
        number=whole(payload, "attempt"),
        epoch=whole(payload, "epoch"),
        boot=text(payload, "boot"),
        boot_s=number(payload, "boot_s"),
    )


def _action_payload(action: Action | None) -> JsonObject | None:
    return {"verb": action.verb, "args": action.args} if action else None
