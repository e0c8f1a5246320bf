"""A runbook as a page of a wiki, in Markdown. Pure: the same runbook and sight give the same text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from runbooks.inputs import fill
from runbooks.rules import point_of_no_return
from runbooks.words import (
    EVIDENCE,
    RULES,
    condition_words,
    input_words,
    kind_of,
    ready_words,
    span,
    step_words,
    stop_words,
    undo_words,
    ungraceful_words,
)

if TYPE_CHECKING:
    from runbooks.spec import RunbookSpec, Step

FORWARD_ONLY = "Point of no return: from here on the run only goes forward."


def markdown(spec: RunbookSpec, values: Mapping[str, str]) -> str:
    """The whole page; an input without a value stays `$name`."""
    lines = [f"# {spec.title}", "", *_facts(spec), *_inputs(spec, values), *_before(spec, values)]
    lines += ["## Steps", ""]
    end = point_of_no_return(spec.steps)
    for index, step in enumerate(spec.steps):
        if index == end:
            lines += [f"> **{FORWARD_ONLY}**", ""]
        lines += [f"### {index + 1}. {step.id}", "", *_step(step, values)]
    if spec.done_when is not None:
        lines += ["## Done when", "", *[f"- {one}" for one in condition_words(spec.done_when, values)]]
        if spec.done_when.within is not None:
            lines.append(f"- all of it within {span(spec.done_when.within)} of the last step")
    return "\n".join(lines).rstrip() + "\n"


def _facts(spec: RunbookSpec) -> Iterator[str]:
    yield from ("| | |", "|---|---|", f"| runbook | `{spec.runbook}` |", f"| owner | {_cell(spec.owner)} |")
    if spec.objectives is not None:
        yield f"| back within (RTO) | {span(spec.objectives.rto)} |"
        if spec.objectives.rpo is not None:
            yield f"| writes lost at most (RPO) | {span(spec.objectives.rpo)} |"
    if spec.rehearse_every is not None:
        yield f"| rehearsed | every {span(spec.rehearse_every)} |"
    yield from (f"| lock | `{spec.lock}` |", "")


def _inputs(spec: RunbookSpec, values: Mapping[str, str]) -> Iterator[str]:
    if not spec.inputs:
        return
    yield from ("## Inputs", "", "| input | value | |", "|---|---|---|")
    for name, one in spec.inputs.items():
        value = f"`{values[name]}`" if name in values else f"(default `{one.default}`)" if one.default else ""
        yield f"| `${name}` | {_cell(value)} | {_cell(input_words(one))} |"
    yield ""


def _before(spec: RunbookSpec, values: Mapping[str, str]) -> Iterator[str]:
    if spec.rules:
        yield from ("## Always", "")
        yield from (f"- {RULES[rule]} (`{rule}`)" for rule in spec.rules)
        yield ""
    if spec.ready:
        yield from ("## Before the first step", "")
        yield from (f"- {ready_words(one, values)}" for one in spec.ready)
        yield ""


def _step(step: Step, values: Mapping[str, str]) -> Iterator[str]:
    if step.why is not None:
        yield from (fill(step.why, values).rstrip(), "")
    if step.human is not None:
        yield from (fill(step.human, values).rstrip(), "")
    words = step_words(step, values)
    yield f"- **{kind_of(step)}**: {words[0]}"
    yield from (f"- then: {one}" for one in words[1:])
    yield from (f"- {what}: {said}" for what, said in terms(step, values))
    yield ""


def terms(step: Step, values: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """How a step is done, beside what it does: each term with its words."""
    found: list[tuple[str, str]] = []
    if step.evidence is not None:
        found.append(("evidence", EVIDENCE[step.evidence]))
    if step.within is not None:
        found.append(("within", span(step.within)))
    if step.parallel is not None:
        found.append(("together with", f"the other steps of the group {step.parallel}"))
    if step.stop_if is not None:
        found.append(("stop and go back if", " or ".join(stop_words(step.stop_if, values))))
    if undo := undo_words(step, values):
        found.append(("undo", undo))
    if step.ungraceful is not None:
        found.append(("ungraceful", ungraceful_words(step.ungraceful, values)))
    return found


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
