"""What one key of a runbook demands of another, which its model cannot state."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from keelwatch.workspace.reader import closest
from probes.flaw import Flaw
from runbooks.inputs import lone_dollars, names_in, texts
from runbooks.spec import Input, RunbookSpec, Step, Ungraceful, given
from runbooks.verb_rules import undo_flaws, verb_flaws
from runbooks.verbs.catalogue import ACTING, ACTIONS, APPROVE

if TYPE_CHECKING:
    from keelwatch.workspace.document import Document, Loc
    from keelwatch.workspace.errors import Problem
    from keelwatch.workspace.workspace import Workspace

CONDITIONS = ("pg.lag", "probe", "slo.hold", "serving")
LIMITS = ("burn_rate", "journey_failing", "lag", "promql_false", "elapsed")
OF_READINESS = (*CONDITIONS, "access")
DIFFERENCES = ("skip", "accept", "if_unreachable")
NO_TIME = timedelta(0)


def broken_rules(document: Document, spec: RunbookSpec) -> list[Problem]:
    """Every one, with its place."""
    flaws = [*_inputs(spec), *_reads(spec), *_steps(spec), *_conditions(spec), *_durations(spec)]
    return [flaw.problem(document) for flaw in flaws]


def unknown_regions(spec: RunbookSpec, workspace: Workspace | None) -> Iterator[Flaw]:
    """Regions that no environment of the workspace has."""
    if workspace is None:
        return
    known = {region for one in workspace.environments.values() for region in one.regions}
    for text in texts(spec):
        if text.is_region and not names_in(text.text) and text.text not in known:
            yield _unknown_region(text.loc, text.text, known, on_key=text.on_key)
    for name, one in spec.inputs.items():
        if one.type == "region" and one.default is not None and one.default not in known:
            yield _unknown_region(("inputs", name, "default"), one.default, known)


def point_of_no_return(steps: Sequence[Step]) -> int | None:
    """The index of the first step that says it cannot be undone."""
    return next((index for index, step in enumerate(steps) if step.undo == "none"), None)


def _unknown_region(loc: Loc, name: str, known: set[str], *, on_key: bool = False) -> Flaw:
    expected = "a region of some environment: " + ", ".join(sorted(known))
    return Flaw(loc, f"the region {name!r}", expected, closest(name, known), on_key=on_key)


def _inputs(spec: RunbookSpec) -> Iterator[Flaw]:
    for name, one in spec.inputs.items():
        loc: Loc = ("inputs", name)
        if one.type == "choice" and one.choices is None:
            yield Flaw(loc, "a choice without `choices`", "the values there are")
        if one.type != "choice" and one.choices is not None:
            place = (*loc, "choices")
            yield Flaw(place, f"`choices` of the type {one.type}", "the type choice", on_key=True)
        elif one.choices is not None and one.default is not None and one.default not in one.choices:
            near = closest(one.default, one.choices)
            yield Flaw((*loc, "default"), repr(one.default), "one of " + ", ".join(one.choices), near)
        if one.differs_from is not None:
            yield from _differs(name, one, spec)


def _differs(name: str, one: Input, spec: RunbookSpec) -> Iterator[Flaw]:
    assert one.differs_from is not None
    other, loc = one.differs_from[1:], ("inputs", name, "differs_from")
    if other == name:
        yield Flaw(loc, "an input that differs from itself", "another input")
    elif other not in spec.inputs:
        yield _unknown_input(loc, other, spec)
    elif spec.inputs[other].type != one.type:
        theirs = spec.inputs[other].type
        yield Flaw(loc, f"an input of the type {theirs}", f"one of the same type, {one.type}")
    elif one.default is not None and one.default == spec.inputs[other].default:
        found, expected = f"{one.default!r}, the default of ${other} too", f"another one, or none for ${name}"
        yield Flaw(("inputs", name, "default"), found, expected)


def _reads(spec: RunbookSpec) -> Iterator[Flaw]:
    for text in texts(spec):
        for name in names_in(text.text):
            if name not in spec.inputs:
                yield _unknown_input(text.loc, name, spec, on_key=text.on_key)
            elif text.is_region and spec.inputs[name].type != "region":
                found = f"${name}, an input of the type {spec.inputs[name].type}"
                yield Flaw(text.loc, found, "an input of the type region", on_key=text.on_key)
        if lone_dollars(text.text):
            expected = "$name without braces for an input, $$ for a dollar"
            yield Flaw(text.loc, "a $ that reads no input", expected, on_key=text.on_key)


def _unknown_input(loc: Loc, name: str, spec: RunbookSpec, *, on_key: bool = False) -> Flaw:
    known = ", ".join("$" + one for one in spec.inputs)
    near = closest(name, spec.inputs)
    expected = f"one of the inputs: {known}" if known else "no input: this runbook has none"
    return Flaw(loc, f"the unknown input ${name}", expected, "$" + near if near else "", on_key=on_key)


def _steps(spec: RunbookSpec) -> Iterator[Flaw]:
    first: dict[str, int] = {}
    end = point_of_no_return(spec.steps)
    for index, step in enumerate(spec.steps):
        loc: Loc = ("steps", index)
        if step.id in first:
            found = f"the step {step.id!r} a second time"
            yield Flaw((*loc, "id"), found, f"another name: step {first[step.id] + 1} has this one")
        first.setdefault(step.id, index)
        actions = given(step, ACTIONS)
        if len(actions) != 1:
            found = "no action" if not actions else "the actions " + " and ".join(actions)
            yield Flaw(loc, found, "exactly one of " + ", ".join(ACTIONS))
            continue
        yield from _beside(step, loc)
        yield from verb_flaws(step, actions[0], loc)
        yield from undo_flaws(step, loc)
        yield from _after(step, index, end, spec)
    yield from _groups(spec)


def _beside(step: Step, loc: Loc) -> Iterator[Flaw]:
    """Keys that mean nothing beside the step's action."""
    if step.evidence is not None and step.human is None:
        yield Flaw(
            (*loc, "evidence"), f"`evidence` beside `{step.action}`", "`evidence` beside human", on_key=True
        )
    for key in ("undo", "stop_if"):
        if getattr(step, key) is not None and step.action not in ACTING:
            found = f"`{key}` beside `{step.action}`, which changes nothing"
            yield Flaw((*loc, key), found, "one of them beside a verb that acts", on_key=True)
    if step.action == APPROVE:
        for key in ("ungraceful", "within"):
            if getattr(step, key) is not None:
                expected = "`expires`" if key == "within" else "an approval in both modes"
                yield Flaw((*loc, key), f"`{key}` beside `approve`", expected, on_key=True)
    if step.ungraceful is not None:
        yield from _difference(step.ungraceful, (*loc, "ungraceful"))
    if step.stop_if is not None and not given(step.stop_if, LIMITS):
        yield Flaw((*loc, "stop_if"), "nothing to watch", "at least one of " + ", ".join(LIMITS))


def _difference(ungraceful: Ungraceful, loc: Loc) -> Iterator[Flaw]:
    found = given(ungraceful, DIFFERENCES)
    if len(found) != 1:
        words = "nothing" if not found else " and ".join(found)
        yield Flaw(loc, words, "exactly one of " + ", ".join(DIFFERENCES))


def _after(step: Step, index: int, end: int | None, spec: RunbookSpec) -> Iterator[Flaw]:
    """What may not come after the point of no return."""
    if end is None or index <= end:
        return
    last = spec.steps[end]
    if step.action == APPROVE:
        found = f"an approval after {last.id}, which cannot be undone"
        yield Flaw(
            ("steps", index, "approve"), found, "it before that step: nobody can say no here", on_key=True
        )
    is_beside = step.parallel is not None and step.parallel == last.parallel
    if step.undo not in {None, "none"} and step.stop_if is None and not is_beside:
        found = f"an undo after {last.id}, the point of no return"
        expected = "no undo, or a `stop_if` after which this one step is taken back"
        yield Flaw(("steps", index, "undo"), found, expected, on_key=True)


def _groups(spec: RunbookSpec) -> Iterator[Flaw]:
    seen: set[str] = set()
    for group, together in groupby(enumerate(spec.steps), key=lambda one: one[1].parallel):
        members = list(together)
        if group is None:
            continue
        loc: Loc = ("steps", members[0][0], "parallel")
        if group in seen:
            yield Flaw(loc, f"the group {group!r} a second time", "its steps side by side")
        elif len(members) == 1 and sum(step.parallel == group for step in spec.steps) == 1:
            yield Flaw(loc, f"a group of one, {group!r}", "at least two steps that act at the same time")
        seen.add(group)
        for index, step in members:
            for action in given(step, (APPROVE, "human")):
                found = f"`{action}` in a group of parallel steps"
                yield Flaw(("steps", index, action), found, "it in front of the group", on_key=True)


def _conditions(spec: RunbookSpec) -> Iterator[Flaw]:
    for index, one in enumerate(spec.ready):
        found = given(one, OF_READINESS)
        if len(found) != 1:
            words = "no condition" if not found else "the conditions " + " and ".join(found)
            yield Flaw(("ready", index), words, "exactly one of " + ", ".join(OF_READINESS))
    if spec.done_when is not None and not given(spec.done_when, CONDITIONS):
        yield Flaw(("done_when",), "no condition", "at least one of " + ", ".join(CONDITIONS))


def _durations(spec: RunbookSpec) -> Iterator[Flaw]:
    """A limit of no time at all cannot be kept."""
    limits: list[tuple[Loc, timedelta | None]] = [(("rehearse_every",), spec.rehearse_every)]
    if spec.objectives is not None:
        limits.append((("objectives", "rto"), spec.objectives.rto))  # an RPO of 0s is a good one
    for index, step in enumerate(spec.steps):
        limits.append((("steps", index, "within"), step.within))
        if step.approve is not None:
            limits.append((("steps", index, APPROVE, "expires"), step.approve.expires))
    if spec.done_when is not None:
        limits.append((("done_when", "within"), spec.done_when.within))
    for loc, limit in limits:
        if limit is not None and limit <= NO_TIME:
            yield Flaw(loc, "no time at all", "a duration above 0s")
