"""`process.kill`, and `process.up`: whoever keeps it has started it again."""

from __future__ import annotations

import signal
import time
from dataclasses import dataclass

from keelwatch.adapters import sandbox
from keelwatch.adapters.arguments import maybe_amount, place_in, strict, word
from keelwatch.adapters.faults.place import sandbox_of
from keelwatch.adapters.host.named import NOT_DECLARED, named_in
from keelwatch.adapters.host.waker import is_alive, send
from keelwatch.adapters.patience import Deadline
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError, SourceError
from keelwatch.workspace.reading import Answer, Condition

KILL, UP = "process.kill", "process.up"
DIES_S = 2.0
BACK_S = 25.0
ANSWER_S = 5.0
WELL = frozenset({"ready", "held"})  # held by a fault, it is that one's to let go


@dataclass(frozen=True, slots=True)
class KillVerb:
    """SIGKILL. Arguments: `process` (as `sandbox status` names it), and `begun_before` (Unix s): one that
    began later is another, and left alone. Without it nobody can tell afterwards whether it happened."""

    name: str = KILL
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = DIES_S + 1.0

    def plan(self, args: JsonObject) -> Prediction:
        found = named_in(args, "begun_before")
        found.require_ours()
        summary = f"kills {found.words} at once; its supervisor starts it again"
        return Prediction(f"{args['environment']}/process/{found.name}", {}, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        found, moment = named_in(args, "begun_before"), maybe_amount(args, "begun_before")
        if moment is not None and found.begun > moment:
            return {"process": found.name, "killed": None}
        found.require_ours()
        send(found.member, signal.SIGKILL)
        if not Deadline.within(DIES_S).until(lambda: not is_alive(found.member), 0.01):
            raise SourceError(f"{found.words} was killed and lives on", "is it in a system call that hangs?")
        return {"process": found.name, "killed": found.member[0], "at": time.time()}

    def check(self, args: JsonObject) -> Condition:
        """Whether what runs under this name now began after the moment."""
        try:
            moment = maybe_amount(args, "begun_before")
            found = named_in(args, "begun_before")
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        if moment is None:
            return Condition.unknown(f"{found.words} runs; whether another did before it, nobody can tell")
        words = f"{found.words} began {found.begun - moment:+.1f} s after the moment"
        return Condition.yes(words) if found.begun > moment else Condition.no(words)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return Action(UP, {**place_in(args), "process": word(args, "process")})

    def access(self, args: JsonObject) -> tuple[str, ...]:
        found = named_in(args, "begun_before")
        found.require_ours()
        return (f"signal {found.words}",)


@dataclass(frozen=True, slots=True)
class UpVerb:
    """Wait until `process` serves again; it starts nothing itself. A sandbox that is down owes nobody."""

    name: str = UP
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = BACK_S + 2 * ANSWER_S

    def plan(self, args: JsonObject) -> Prediction:
        target, process = _read(args)
        summary = f"waits until {process} of sandbox {target} serves again"
        return Prediction(f"{args['environment']}/process/{process}", {}, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        Deadline.within(BACK_S).until(lambda: self.check(args).answer is Answer.YES, 0.1)
        return {}

    def check(self, args: JsonObject) -> Condition:
        try:
            target, process = _read(args)
            if sandbox.is_gone(target):
                return Condition.yes(f"sandbox {target} is down, {process} with it")
            servers = {one.name: one for one in sandbox.status(target, ANSWER_S).servers}
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        if process not in servers:
            return Condition.unknown(f"sandbox {target} has no process {process!r}")
        words = f"{process} is {servers[process].state}"
        return Condition.yes(words) if servers[process].state in WELL else Condition.no(words)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return sandbox.ask_access(_read(args)[0])


def _read(args: JsonObject) -> tuple[str, str]:
    strict(args, "process")
    return sandbox_of(args, NOT_DECLARED), word(args, "process")
