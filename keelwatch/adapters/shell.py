"""`shell`: a command of the user's, of which nobody but they can tell whether it did its work."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

from keelwatch.adapters.arguments import amount, root_in, strict, words
from keelwatch.adapters.command import found, run_command
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import SourceError, UsageError
from keelwatch.workspace.reading import Condition

NAME = "shell"
USUAL_S = 120.0
LONGEST_S = 86_400.0
GRACE_S = 5.0


@dataclass(frozen=True, slots=True)
class ShellVerb:
    """Run `command` (words; no shell reads them) in the workspace's folder, at most `within_s` (120 s).

    `settle_s` is for the usual time. A command that may take longer needs no longer wait when its run is
    dead: it died with it.
    """

    name: str = NAME
    effect: EffectClass = EffectClass.OPAQUE
    settle_s: float = USUAL_S + GRACE_S

    def plan(self, args: JsonObject) -> Prediction:
        command, within_s = _read(args)
        program = found(command, root_in(args))
        summary = (
            f"runs {shlex.join([program, *command[1:]])}, at most {within_s:g} s; nobody can predict more"
        )
        return Prediction(f"shell/{command[0]}", {}, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        command, within_s = _read(args)
        ended = run_command(command, root_in(args), attempt.run, within_s)
        if ended.status != 0:
            raise SourceError(f"{command[0]} failed, {ended.words}", "run it by hand, then retry or skip")
        return {"exit": 0, "output": ended.output or None}

    def check(self, args: JsonObject) -> Condition:
        return Condition.unknown("nobody but you can tell whether a command of yours did its work")

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        command, _ = _read(args)
        return (f"run {found(command, root_in(args))}",)


def _read(args: JsonObject) -> tuple[list[str], float]:
    strict(args, "command", "within_s")
    command = words(args, "command")
    if not command:
        raise UsageError("the argument 'command' is missing", "words, the program first")
    return command, amount(args, "within_s", USUAL_S, LONGEST_S)


VERBS = {verb.name: verb for verb in (ShellVerb(),)}
