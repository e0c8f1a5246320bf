"""The contract of a verb: a typed action on the real world that can be predicted, checked and undone."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from keelwatch.ledger.fact import JsonObject
from keelwatch.workspace.reading import Condition


class EffectClass(StrEnum):
    """What makes a second attempt safe; every verb declares one."""

    DESIRED_STATE = "desired-state"  # asserting it again changes nothing
    CONDITIONAL = "conditional"  # compare-and-set: a stale attempt is rejected
    KEYED = "keyed"  # the target knows the key and acts once
    CHECKABLE = "checkable"  # not repeatable, but `check` tells whether it happened
    OPAQUE = "opaque"  # nobody can tell; after a crash a human decides


@dataclass(frozen=True, slots=True)
class Action:
    """A verb by name, with its arguments: what is written ahead and can be run by any process."""

    verb: str
    args: JsonObject


@dataclass(frozen=True, slots=True)
class Prediction:
    """What an action would do now: to what (`target`), from which state (`before`), in words."""

    target: str
    before: JsonObject
    summary: str = ""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What `do` may need beyond its arguments. `key` is the same for every attempt of one step of
    one run; `epoch` (of the scope's lease, else the run's) fences a late attempt where the target can
    compare; `before` is the prediction's."""

    key: str
    number: int
    epoch: int
    before: JsonObject

    @property
    def run(self) -> str:
        """The run that makes it."""
        return self.key.partition("/")[0]


class Verb(Protocol):
    """Arguments and evidence are JSON objects and are recorded: secrets go in by reference only.

    Verbs run in the run, in its guardian and in `heal`: they keep no state of their own, and every
    call ends within `settle_s` seconds, after which a request of theirs can no longer land.
    """

    @property
    def name(self) -> str: ...

    @property
    def effect(self) -> EffectClass: ...

    @property
    def settle_s(self) -> float: ...

    def plan(self, args: JsonObject) -> Prediction:
        """Read, never write. Raises `Refused` or `SourceError` when the action cannot be meant."""

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        """Act; returns the evidence. Raises `UnknownResult` when it may or may not have happened,
        any other `KeelwatchError` when it failed."""

    def check(self, args: JsonObject) -> Condition:
        """Is the world as `do` with these arguments leaves it? Never raises for a target that is down:
        that is unknown."""

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        """The action that takes this one back, decided from values alone; None when there is none.
        It must itself be checkable, for an undo counts only once its `check` says yes."""

    def access(self, args: JsonObject) -> tuple[str, ...]:
        """What the operator must be allowed to do, in the target's own words. It is asked of the target, as
        far as that tells without acting, and within seconds.

        Raises `Refused` when whoever we log in as may not: who lacks what, and how to grant it; `SourceError`
        when the target cannot be asked. Where it is down, and getting it back is what the verb is for, those
        are asked who do it."""
