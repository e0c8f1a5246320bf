"""What a runbook names that the living environment does not have: asked of it, and nothing changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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
    """Steps that could not act on the environment of `place`: what they act on is not there, does not answer,
    or lets nobody in. With the inputs' defaults; what is refused now, the steps before may make possible."""
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
            if trouble:
                flaw = Flaw(("steps", index, step.action), trouble, "what the environment has", on_key=True)
                yield Finding(Severity.ERROR, "not-there", flaw.problem(written.document))
                break


def _trouble(verb: Verb, args: JsonObject) -> str:
    try:
        verb.access(args)
        verb.plan(args)
    except Refused:
        return ""
    except KeelwatchError as error:
        return error.message
    return ""
