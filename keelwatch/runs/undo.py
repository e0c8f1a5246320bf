"""Taking back what was done: in reverse order, and verified. The run, its guardian and `heal` all
use this and nothing else."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass

from keelwatch.runs.effect import Effect
from keelwatch.runs.journal import Journal
from keelwatch.runs.table import ProcessTable
from keelwatch.runs.verb import Action, Attempt, EffectClass
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.reading import Answer, Condition

TRIES = 3
PAUSE_S = 0.5
REPEATABLE = {EffectClass.DESIRED_STATE, EffectClass.CONDITIONAL, EffectClass.KEYED}


@dataclass(frozen=True, slots=True)
class Undone:
    """What came of one undo: `error` is empty when its check said yes; `recorded` whether the ledger
    knows."""

    effect: Effect
    error: str
    recorded: bool


def undo_effects(journal: Journal, table: ProcessTable, owed: Sequence[Effect]) -> list[Undone]:
    """Undo `owed` (oldest first) in reverse. One that fails does not keep the others from being tried.

    An effect in doubt may still land, so it is looked at once more when its request has timed out; and so
    is what was done to its target before, for "as before" of the newer is not that of the older.
    Raises `Fenced` when somebody else has taken this journal over; then nothing more is touched.
    """
    reverse = [effect for effect in reversed(owed) if effect.is_open]
    with journal.in_a_hurry():
        outcomes = {effect.seq: _take_back(journal, table, effect) for effect in reverse}
        doubtful = [effect for effect in reverse if effect.may_land_late]
        if doubtful:
            time.sleep(max(effect.unsettled_s() for effect in doubtful))
            outcomes |= {effect.seq: _attempt(table, effect) for effect in _from_the_doubtful_on(reverse)}
        return [
            Undone(effect, error, journal.settle_undo(effect, error, evidence))
            for effect in reverse
            for error, evidence in [outcomes[effect.seq]]
        ]


def _from_the_doubtful_on(reverse: Sequence[Effect]) -> list[Effect]:
    """The doubtful and, of their targets, all that is older; newest first."""
    targets: set[str] = set()
    found = []
    for effect in reverse:
        if effect.may_land_late:
            targets.add(effect.target)
        if effect.target in targets:
            found.append(effect)
    return found


def _take_back(journal: Journal, table: ProcessTable, effect: Effect) -> tuple[str, str]:
    journal.intend_undo(effect)
    return _attempt(table, effect)


def _attempt(table: ProcessTable, effect: Effect) -> tuple[str, str]:
    """(error, evidence). Checks first: what is as it was is not touched, so no undo lands twice."""
    assert effect.undo is not None
    error = ""
    for number in range(1, TRIES + 1):
        found = _check(table, effect.undo)
        if found.answer is Answer.YES:
            return "", found.evidence
        if found.answer is Answer.UNKNOWN and not _may_act_blind(table, effect, number):
            return f"nobody can tell whether it is as before: {found.evidence}", found.evidence
        failure = _do(table, effect, number)
        found = _check(table, effect.undo)
        if found.answer is Answer.YES or (not failure and _is_answered(table, effect.undo, found)):
            return "", found.evidence
        error = failure or error
        error = error or f"not as before: {found.evidence}"
        if number < TRIES:
            time.sleep(PAUSE_S)
    return error, found.evidence


def _may_act_blind(table: ProcessTable, effect: Effect, number: int) -> bool:
    """Acting without knowing is right once; again only where a second time does no harm."""
    assert effect.undo is not None
    first = number == 1 and not effect.undo_tried
    verb = table.verbs.get(effect.undo.verb)
    return verb is not None and (first or verb.effect in REPEATABLE)


def _is_answered(table: ProcessTable, undo: Action, found: Condition) -> bool:
    """Whether the target's own answer is all that anybody will ever know: it acts once for a key."""
    verb = table.verbs.get(undo.verb)
    return found.answer is Answer.UNKNOWN and verb is not None and verb.effect is EffectClass.KEYED


def _do(table: ProcessTable, effect: Effect, number: int) -> str:
    assert effect.undo is not None
    key = f"{effect.key}/undo"
    try:
        table.verb(effect.undo.verb).do(
            effect.undo.args, Attempt(key, number, effect.epoch, before=effect.before)
        )
    except KeelwatchError as error:
        return error.message
    except Exception as error:  # noqa: BLE001 -- a bug in one verb must not keep the other undos from running
        return f"{type(error).__name__}: {error}"
    return ""


def _check(table: ProcessTable, undo: Action) -> Condition:
    try:
        return table.verb(undo.verb).check(undo.args)
    except KeelwatchError as error:
        return Condition.unknown(error.message)
    except Exception as error:  # noqa: BLE001 -- as above: unknown is the honest answer
        return Condition.unknown(f"{type(error).__name__}: {error}")
