"""`process.hang`, and `process.wake`, which takes it back."""

from __future__ import annotations

import json
import secrets
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from keelwatch.adapters.arguments import amount, place_in, strict, word
from keelwatch.adapters.host import waker
from keelwatch.adapters.host.named import Named, named_in, note_of
from keelwatch.adapters.patience import Deadline
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError, UsageError
from keelwatch.workspace.reading import Condition

HANG, WAKE = "process.hang", "process.wake"
FEELS_S = 2.0
SETTLE_S = 5.0
LONGEST_S = 3600.0


@dataclass(frozen=True, slots=True)
class HangVerb:
    """SIGSTOP, to a process and all that it has started. Arguments: `process` (as `sandbox status` names it)
    and `for_s`: then it goes on by itself, by a process made for that, which nobody's death ends."""

    name: str = HANG
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        """`before` names the process, and the note its waker will have."""
        found, for_s = _read(args)
        found.require_ours()
        if waker.is_stopped(found.member):
            raise Refused(
                f"{found.words} hangs already", f"kill -CONT {found.member[0]}, if nobody else means it"
            )
        pid, ticks = found.member
        before: JsonObject = {"mark": secrets.token_hex(8), "pid": pid, "start_ticks": ticks}
        summary = f"stops {found.words} for {for_s:g} s, with all that it has started"
        return Prediction(f"{args['environment']}/process/{found.name}", before, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        found, for_s = _read(args)
        found.require_ours()
        if found.member != _member(attempt.before):
            raise SourceError(f"{found.words} has started since it was looked at", "plan it anew")
        note = note_of(word(attempt.before, "mark"))
        until = time.clock_gettime(time.CLOCK_BOOTTIME) + for_s
        _write(note, [found.member], until)
        _start_waker(note)
        waker.send(found.member, signal.SIGSTOP)  # first the root, so that it starts nothing more
        tree = waker.tree_of(found.member)
        _write(note, tree, until)
        for member in tree:
            waker.send(member, signal.SIGSTOP)
        if not Deadline.within(FEELS_S).until(lambda: not _awake(found.member), 0.01):
            raise SourceError(f"{found.words} was stopped and goes on", "see: keelwatch heal --list")
        return {"process": found.name, "stopped": len(tree), "for_s": for_s}

    def check(self, args: JsonObject) -> Condition:
        try:
            found, _ = _read(args)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        awake = _awake(found.member)
        if awake:
            return Condition.no(f"of {found.words}, {len(awake)} of {len(waker.tree_of(found.member))} go on")
        return Condition.yes(f"{found.words} is stopped")

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        named: JsonObject = {"process": word(args, "process")}
        return Action(WAKE, {**place_in(args), **named, **before})

    def access(self, args: JsonObject) -> tuple[str, ...]:
        found, _ = _read(args)
        found.require_ours()
        return (f"signal {found.words}",)


@dataclass(frozen=True, slots=True)
class WakeVerb:
    """SIGCONT, to exactly the process that was stopped, and to all that it had started. What is gone by now
    is not stopped any more. Arguments: `process`, `pid`, `start_ticks`, `mark`, as the hang was predicted."""

    name: str = WAKE
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        process, stopped, _ = _stopped(args)
        summary = f"wakes {process}: {len(stopped)} processes are stopped"
        return Prediction(f"{args['environment']}/process/{process}", {}, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        """The note goes first: whoever has read it before wakes too, and nobody stops."""
        _, stopped, note = _stopped(args)
        waker.wake(stopped)
        Deadline.within(FEELS_S).until(lambda: not _stopped(args)[1], 0.01)
        if not _stopped(args)[1]:
            note.unlink(missing_ok=True)
        return {"woken": len(stopped)}

    def check(self, args: JsonObject) -> Condition:
        try:
            process, stopped, note = _stopped(args)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        if stopped:
            return Condition.no(f"of {process}, {len(stopped)} processes are stopped")
        note.unlink(missing_ok=True)
        return Condition.yes(f"nothing of {process} is stopped")

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return (f"signal {_stopped(args)[0]}",)


def _read(args: JsonObject) -> tuple[Named, float]:
    if "for_s" not in args:
        raise UsageError("the argument 'for_s' is missing", "every fault ends by itself: say after how long")
    for_s = amount(args, "for_s", 0, LONGEST_S)
    if not for_s:
        raise UsageError("the argument 'for_s' must be above 0")
    return named_in(args, "for_s"), for_s


def _awake(root: waker.Member) -> list[waker.Member]:
    tree = waker.tree_of(root)
    return [one for one in tree if waker.is_alive(one) and not waker.is_stopped(one)]


def _stopped(args: JsonObject) -> tuple[str, list[waker.Member], Path]:
    """The name of the process, who is stopped of its tree, and the note."""
    strict(args, "process", "pid", "start_ticks", "mark")
    note = note_of(word(args, "mark"))
    members = dict.fromkeys([*waker.everybody(note), *waker.tree_of(_member(args))])
    return word(args, "process"), [one for one in members if waker.is_stopped(one)], note


def _member(args: JsonObject) -> waker.Member:
    return int(amount(args, "pid", 0, 2**31)), int(amount(args, "start_ticks", 0, 2**62))


def _write(note: Path, tree: list[waker.Member], until: float) -> None:
    draft = note.with_suffix(".new")
    draft.write_text(json.dumps({"tree": tree, "until": until}))
    draft.replace(note)


def _start_waker(note: Path) -> None:
    """It leaves this run's session and its mark, so that no end of the run ends it. Raises `SourceError`."""
    program = [sys.executable, "-I", "-S", str(Path(waker.__file__)), str(note)]
    null = subprocess.DEVNULL
    try:
        subprocess.run(program, stdin=null, stdout=null, stderr=null, cwd="/", env={}, timeout=3, check=True)
    except (OSError, subprocess.SubprocessError) as error:
        note.unlink(missing_ok=True)
        raise SourceError(
            f"nobody would wake it in time: {type(error).__name__}", "nothing was stopped"
        ) from None
