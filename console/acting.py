"""Who acts now, in a few words each: for the head of every screen."""

from __future__ import annotations

from chaos import follow as chaos_follow
from console.view import chaos_course
from console.view.load_course import course_of, is_open_load, progress_words, ticks_of
from keelwatch.ledger import FactKind, LedgerStore
from keelwatch.runs import Phase, RunView, newest_lines
from loadtests.follow import Followed
from runbooks.conduct.progress import Progress, StepProgress, StepState, fold

ACTING = {Phase.RUNNING, Phase.STOPPING, Phase.PAUSED, Phase.HEALING}
WITH_PROGRESS = "runbook"
TAIL = 96 * 1024  # bytes of a load's stream: the last seconds, however long it lasts


def acting_words(store: LedgerStore, one: RunView) -> str:
    """`probe view-invoices`; of a runbook also where it stands and what it waits for:
    `runbook failover-region 3/7 promote-database ASKS`; of a load how far it is and what it is like:
    `load portal-baseline 1:12/5:00 3.9/s p95 48ms`; of an experiment what it is at and how much it has
    broken: `chaos billing-down method: customers meet it, 1 fault on`. Empty for a run that acts no more."""
    name = f"{one.state.kind} {one.state.name}"
    if one.state.kind != WITH_PROGRESS:
        if one.phase not in ACTING:
            return ""
        return " ".join([name, *_told_words(store, one)])
    has_closed = one.state.verdict is not None and one.pid is None
    if has_closed or one.phase not in {*ACTING, Phase.ORPHANED}:
        return ""  # what a run that has closed left behind is told elsewhere
    facts = store.after(0, run=one.state.id, kinds=(FactKind.NOTE, FactKind.COMMAND))
    return " ".join([name, *_progress_words(one, fold(Progress(), facts))])


def _told_words(store: LedgerStore, one: RunView) -> list[str]:
    match one.state.kind:
        case "load":
            return _load_words(store, one)
        case "chaos":
            return _chaos_words(store, one)
    return []


def _chaos_words(store: LedgerStore, one: RunView) -> list[str]:
    """Of its facts alone: they are few. What is planned is in its stream, and left out here."""
    told = chaos_follow.Followed()
    told.take(store.after(0, run=one.state.id))
    words = [] if one.phase is Phase.RUNNING else [one.phase.upper()]
    return [*words, chaos_course.progress_words(chaos_course.course_of(one, told))]


def _load_words(store: LedgerStore, one: RunView) -> list[str]:
    """Of its plan and the last seconds that it told; a run that is being stopped says so first."""
    told = Followed()
    notes = store.after(0, run=one.state.id, kinds=(FactKind.NOTE,))
    told.take(sorted([*notes, *newest_lines(one.state.id, TAIL)], key=lambda item: item.at))
    words = [] if one.phase is Phase.RUNNING else [one.phase.upper()]
    if not told.gathered.seconds:
        return [*words, "starts"]
    course = course_of(one, told, ticks_of(told.gathered, is_open=is_open_load(told)), None)
    return [*words, progress_words(course, course.told_s)]


def _progress_words(one: RunView, progress: Progress) -> list[str]:
    names = progress.step_names
    at = next((each for each in names if not progress.step(each).state.is_over), None)
    words = []
    step = StepProgress()
    if not progress.is_ready:
        words.append("readiness")
    elif at is not None:
        step = progress.step(at)
        words.append(f"{names.index(at) + 1}/{len(names)} {at}")
    else:
        words.append("settling")
    if step.trips and step.state is not StepState.BEGUN:
        words.append("GUARD TRIPPED")
    if one.state.question is not None and one.pid is not None:
        words.append("ASKS")
    elif one.phase is not Phase.RUNNING:
        words.append(one.phase.upper())
    elif progress.approval is not None:
        words.append("WAITS for approval")
    return words
