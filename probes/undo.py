"""Taking back what a step did: the verbs that any process can run later, from what was written ahead.

Guardians load this module too, so what makes requests is loaded when one is made.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import cast

from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import InternalError, KeelwatchError, SourceError
from keelwatch.workspace.reading import Condition
from probes.scope_name import scope_of

STEP_VERB, UNDO_VERB = "probe.step", "probe.undo"
LANDS_WITHIN_S = 5.0  # a request that we gave up may still be served for so long
UNDO_S = 45.0  # for one question, by whoever has no reserve to keep to
GONE = frozenset({404, 409, 410})  # there was nothing to take back; the proof tells


@dataclass(frozen=True, slots=True)
class StepVerb:
    """A journey's own request, which its engine makes; here only its name and its undo are known."""

    name: str = STEP_VERB
    effect: EffectClass = EffectClass.OPAQUE
    settle_s: float = LANDS_WITHIN_S

    def plan(self, args: JsonObject) -> Prediction:
        return Prediction(str(args["target"]), {}, str(args["request"]))

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        raise InternalError("a journey's step is made by its engine")

    def check(self, args: JsonObject) -> Condition:
        return Condition.unknown("only the verification of its undo can tell")

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None  # written ahead by the engine

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return ("a synthetic customer",)


@dataclass(frozen=True, slots=True)
class UndoVerb:
    """Take a step back with a request, and prove it with another."""

    name: str = UNDO_VERB
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = UNDO_S

    def plan(self, args: JsonObject) -> Prediction:
        request = cast("dict[str, str]", args["request"])
        target = scope_of(str(args["environment"]), str(args["account"] or args["journey"]))
        return Prediction(target, {}, f"{request['method']} {request['path']}")

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        from probes.taking_back import asked

        answer = asked(args, "request", UNDO_S, attempt.key)
        if answer.status >= 300 and answer.status not in GONE:
            raise SourceError(f"the undo was answered {answer.status}")
        return {"status": answer.status}

    def check(self, args: JsonObject) -> Condition:
        from probes.expect import check
        from probes.taking_back import asked, expect_of

        verify = cast("JsonObject", args["verify"])
        try:
            expect = expect_of(verify)
            answer = asked(args, "verify", UNDO_S)
            checks = check(expect, answer, {}, time.time())
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        except ValueError as error:
            return Condition.unknown(f"its proof cannot be made: {error}")
        unmet = next((one for one in checks if not one.ok), None)
        if unmet is None:
            return Condition.yes(f"{verify['path']} is as before")
        found = f"{verify['path']}: {unmet.what}: wanted {unmet.expected}, got {unmet.found}"
        if unmet.what == "status" and answer.status >= 500:
            return Condition.unknown(found)
        return Condition.no(found)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return ("a synthetic customer",)


VERBS = {verb.name: verb for verb in (StepVerb(), UndoVerb())}
