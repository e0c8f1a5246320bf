"""What a runbook should not do: steps nobody can take back, see or wait for. Pure but for `known_names`.

An error is what cannot work on the night; a warning is what probably was not meant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import groupby
from typing import TYPE_CHECKING

from keelwatch.runs import EffectClass
from keelwatch.workspace.reader import closest
from probes.flaw import Flaw
from probes.lint import Finding, Severity
from runbooks.inputs import names_in, texts
from runbooks.rules import point_of_no_return, unknown_regions
from runbooks.verbs.catalogue import APPROVE, CATALOGUE
from runbooks.words import span

if TYPE_CHECKING:
    from keelwatch.workspace.document import Loc
    from keelwatch.workspace.workspace import Workspace
    from runbooks.load import Written
    from runbooks.spec import RunbookSpec, Step

BY_PEOPLE = frozenset({"human", APPROVE})
NO_TIME = timedelta(0)


@dataclass(frozen=True, slots=True)
class Known:
    """The names of a workspace's journeys and objectives; empty where it has none."""

    journeys: frozenset[str]
    objectives: frozenset[str]


def lint(
    runbooks: Sequence[Written],
    workspace: Workspace | None,
    known: Known | None,
    rehearsals: Mapping[str, str] | None = None,
) -> list[Finding]:
    """Every finding, by place. Without a workspace its regions, journeys and objectives are not asked for.

    `rehearsals`: by runbook what is to be said against the last one on record, empty text for nothing.
    """
    found = []
    for written in runbooks:
        spec = written.runbook.spec
        told = [(Severity.WARNING, rule, flaw) for rule, look in WARNINGS for flaw in look(spec)]
        rehearsed = _unrehearsed(spec, (rehearsals or {}).get(spec.runbook))
        told += [(Severity.WARNING, "rehearsal", flaw) for flaw in rehearsed]
        told += [(Severity.ERROR, "unknown-region", flaw) for flaw in unknown_regions(spec, workspace)]
        told += [(Severity.ERROR, rule, flaw) for rule, flaw in _unknown_names(spec, known)]
        found += [Finding(severity, rule, flaw.problem(written.document)) for severity, rule, flaw in told]
    return sorted(found, key=lambda one: (str(one.problem.file), one.problem.line, one.problem.column))


def known_names(workspace: Workspace) -> Known:
    """As far as the files of the workspace can be read; what is wrong with them, `check` says."""
    from keelwatch.workspace.document import read_files
    from keelwatch.workspace.spec_files import spec_files
    from slo.load import is_openslo
    from slo.rules import objective_names

    documents = {room: read_files(spec_files(workspace.folders[room])[0])[0] for room in ("probes", "slo")}
    journeys = (one.data.get("journey") for one in documents["probes"] if isinstance(one.data, dict))
    objectives = (name for one in filter(is_openslo, documents["slo"]) for name in objective_names(one))
    names = frozenset(str(name) for name in journeys if isinstance(name, str))
    return Known(names, frozenset(objectives))


def _unknown_names(spec: RunbookSpec, known: Known | None) -> Iterator[tuple[str, Flaw]]:
    """Journeys and objectives that the workspace does not have."""
    if known is None:
        return
    for text in texts(spec):
        key = text.loc[-2] if len(text.loc) > 1 else ""
        names = known.journeys if key == "journeys" else known.objectives if key == "objectives" else None
        if names and not names_in(text.text) and text.text not in names:
            what = str(key).removesuffix("s")
            flaw = Flaw(
                text.loc, f"the {what} {text.text!r}", f"{what} of the workspace", closest(text.text, names)
            )
            yield f"unknown-{what}", flaw


def _unseen(spec: RunbookSpec) -> Iterator[Flaw]:
    """Nobody but a person can tell whether an opaque verb worked, and the next step builds on it."""
    for index, step in enumerate(spec.steps):
        if not _is_opaque(step):
            continue
        for later in spec.steps[index + 1 :]:
            if later.human is not None:
                break
            if later.action in CATALOGUE and CATALOGUE[later.action].acts:
                yield _unseen_flaw(step, index)
                break
        else:
            yield _unseen_flaw(step, index)


def _unseen_flaw(step: Step, index: int) -> Flaw:
    found = f"{step.action}, of which nobody can tell whether it worked"
    return Flaw(("steps", index, step.action), found, "a `human` step after it that looks", on_key=True)


def _is_opaque(step: Step) -> bool:
    entry = CATALOGUE.get(step.action)
    return entry is not None and entry.acts and entry.effect is EffectClass.OPAQUE


def _endless(spec: RunbookSpec) -> Iterator[Flaw]:
    for index, step in enumerate(spec.steps):
        if step.within is None and step.action not in BY_PEOPLE:
            loc: Loc = ("steps", index, "id")
            yield Flaw(loc, f"the step {step.id!r} without a limit", "`within`: how long it may take")


def _without_undo(spec: RunbookSpec) -> Iterator[Flaw]:
    """In front of the point of no return a run that fails goes back, as far as it knows how."""
    end = point_of_no_return(spec.steps)
    for index, step in enumerate(spec.steps[:end]):
        acts = step.action in CATALOGUE and CATALOGUE[step.action].acts
        if acts and step.undo is None:
            loc: Loc = ("steps", index, step.action)
            expected = "`undo`: previous, a verb, or `none` for the point of no return"
            yield Flaw(loc, f"the step {step.id!r} without undo", expected, on_key=True)


def _too_slow(spec: RunbookSpec) -> Iterator[Flaw]:
    if spec.objectives is None:
        return
    longest = longest_time(spec)
    if longest > spec.objectives.rto:
        found = f"an RTO of {span(spec.objectives.rto)}, and limits of together {span(longest)}"
        yield Flaw(("objectives", "rto"), found, "limits (`within`) that the RTO has room for")


def longest_time(spec: RunbookSpec) -> timedelta:
    """What all limits allow together; steps of a group count as the longest of them. People's time is not
    counted: nobody limits it."""
    total = spec.done_when.within or NO_TIME if spec.done_when is not None else NO_TIME
    for group, members in groupby(spec.steps, key=lambda step: step.parallel):
        limits = [step.within for step in members if step.within is not None]
        total += sum(limits, NO_TIME) if group is None else max(limits, default=NO_TIME)
    return total


def _unrehearsed(spec: RunbookSpec, against: str | None) -> Iterator[Flaw]:
    """`against` is what is to be said against the last rehearsal; None when there is none on record here."""
    if spec.rehearse_every is None:
        yield Flaw(("runbook",), "no `rehearse_every`", "how old a rehearsal may be: rehearse_every: 30d")
        return
    expected = f"one of this very text that passed, at most {span(spec.rehearse_every)} old"
    if against is None:
        yield Flaw(("rehearse_every",), "no rehearsal on record", expected)
    elif against:
        yield Flaw(("rehearse_every",), f"a rehearsal: {against}", expected)


def _without_end(spec: RunbookSpec) -> Iterator[Flaw]:
    if spec.done_when is None:
        yield Flaw(("runbook",), "no `done_when`", "what must hold in the end")


def _unread_input(spec: RunbookSpec) -> Iterator[Flaw]:
    read = {name for text in texts(spec) for name in names_in(text.text)}
    for name in spec.inputs:
        if name not in read:
            loc: Loc = ("inputs", name)
            yield Flaw(
                loc, f"the input {name!r}, which nothing reads", f"a step that reads ${name}", on_key=True
            )


WARNINGS: tuple[tuple[str, Callable[[RunbookSpec], Iterator[Flaw]]], ...] = (
    ("opaque", _unseen),
    ("no-within", _endless),
    ("no-undo", _without_undo),
    ("slower-than-rto", _too_slow),
    ("no-done-when", _without_end),
    ("unread-input", _unread_input),
)
