"""`sessions.revoke`: customers are logged out everywhere, and have to log in again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from keelwatch.adapters import sandbox
from keelwatch.adapters.arguments import maybe_amount, words
from keelwatch.adapters.portal.place import sandbox_in
from keelwatch.adapters.sandbox import SessionsLeft
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.reading import Condition

NAME = "sessions.revoke"
SETTLE_S = 12.0
ANSWER_S = 10.0
SHOWN = 5


@dataclass(frozen=True, slots=True)
class RevokeVerb:
    """Arguments: `accounts` (everybody's when it is not given), and `begun_before` (Unix s; any when it is
    not given): sessions that began later are left alone, and are nothing that the check minds."""

    name: str = NAME
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        name, accounts, moment = _read(args)
        left = _left(name, accounts, moment)
        whose = _whose(accounts)
        summary = f"ends the sessions of {whose}: {_words(left)}; they have to log in again"
        return Prediction(f"{args['environment']}/sessions/{whose}", {}, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        name, accounts, moment = _read(args)
        ended = sandbox.revoke_sessions(accounts, moment, name=name, within_s=ANSWER_S)
        return {"tokens_ended": ended}

    def check(self, args: JsonObject) -> Condition:
        try:
            name, accounts, moment = _read(args)
            left = _left(name, accounts, moment)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        since = f" begun before {_clock(moment)}" if moment is not None else ""
        words = f"sessions of {_whose(accounts)}{since}: {_words(left)}"
        if any(left.tokens.values()):
            return Condition.no(words)
        silent = [region for region, one in left.tokens.items() if one is None and region not in left.down]
        return Condition.unknown(words) if silent else Condition.yes(words)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        name, _, _ = _read(args)
        return sandbox.ask_access(name)


def _read(args: JsonObject) -> tuple[str, list[str] | None, float | None]:
    name = sandbox_in(args, NAME, "accounts", "begun_before")
    return name, words(args, "accounts") or None, maybe_amount(args, "begun_before")


def _left(name: str, accounts: list[str] | None, moment: float | None) -> SessionsLeft:
    return sandbox.sessions_left(accounts, moment, name=name, within_s=ANSWER_S)


def _whose(accounts: list[str] | None) -> str:
    if accounts is None:
        return "everybody"
    more = len(accounts) - SHOWN
    return ", ".join(accounts[:SHOWN]) + (f" and {more} more" if more > 0 else "")


def _words(left: SessionsLeft) -> str:
    return ", ".join(f"{region} {_told(left, region)}" for region in left.tokens)


def _told(left: SessionsLeft, region: str) -> str:
    tokens = left.tokens[region]
    if tokens is not None:
        return "has none" if tokens == 0 else f"knows {tokens} tokens"
    return "is down, and remembers none" if region in left.down else "does not answer"


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%H:%M:%S UTC")
