"""What a runbook names that the living environment does not have, or does not let us do: asked of it, and
nothing changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.workspace.errors import KeelwatchError, Refused
from probes.flaw import Flaw
from probes.lint import Finding, Severity
from runbooks.choose import with_defaults
from runbooks.stages import Mode, stages_of
from runbooks.verbs.catalogue import BY_THE_RUN

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.runs import Verb
    from runbooks.load import Written


def live_findings(written: Written, place: JsonObject, verbs: Mapping[str, Verb]) -> Iterator[Finding]:
    """Steps that could not act on the environment of `place`: what they act on is not there or does not
    answer (`not-there`), or we may not do it (`no-access`). With the inputs' defaults; what a plan refuses
    now, the steps before may make possible."""
    spec = written.runbook.spec
    try:
        values = with_defaults(spec, {})
    except KeelwatchError:
        return  # an input without a default: nobody can tell what it will be
    for index, step in enumerate(spec.steps):
        for stage in stages_of(step, values, Mode.GRACEFUL):
            verb = verbs.get(stage.action.verb)
            if verb is None or stage.action.verb in BY_THE_RUN:
                continue
            trouble = _trouble(verb, {**stage.action.args, **place})
            if trouble is not None:
                flaw = Flaw(("steps", index, step.action), trouble.found, trouble.expected, on_key=True)
                yield Finding(Severity.ERROR, trouble.rule, flaw.problem(written.document))
                break


@dataclass(frozen=True, slots=True)
class _Trouble:
    rule: str
    found: str
    expected: str


def _trouble(verb: Verb, args: JsonObject) -> _Trouble | None:
    try:
        verb.access(args)
    except Refused as error:
        return _Trouble("no-access", error.message, error.hint or "one who may")
    except KeelwatchError as error:
        return _not_there(error)
    try:
        verb.plan(args)
    except Refused:
        return None
    except KeelwatchError as error:
        return _not_there(error)
    return None


def _not_there(error: KeelwatchError) -> _Trouble:
    return _Trouble("not-there", error.message, "what the environment has")
