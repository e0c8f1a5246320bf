"""What a person may tell a run of a runbook now: what it waits for, and why a key does nothing."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

from console.view import numbers
from console.view.run_screen import WORDS
from keelwatch.runs import Phase
from runbooks.conduct.progress import StepState

if TYPE_CHECKING:
    from console.view.run_story import RunStory, StepStory


def waits_line(story: RunStory, now: float) -> str:
    """What it waits for, until when, and how to give it."""
    if story.left_behind:
        return f"LEFT BEHIND  {'; '.join(story.left_behind)}: keelwatch heal --list"
    if story.is_over:
        return f"ENDED  {story.verdict}" if story.verdict else "ENDED  its process never began"
    if story.question is not None:
        choices = "|".join(story.question.choices)
        return f"ASKS  enter: answer it, or keelwatch attach {story.run} --answer {choices}"
    match story.phase:
        case Phase.ORPHANED:
            return f"ORPHANED  nobody carries it out: r, or keelwatch runbook resume {story.run}"
        case Phase.PAUSED:
            return f"PAUSED  {story.stands or 'by a person'}: r, or keelwatch runbook resume {story.run}"
        case Phase.STOPPING | Phase.HEALING:
            return f"{story.phase.upper()}  it ends what it is at"
    if story.approval is not None:
        return approval_words(story, now)
    return f"RUNS  x pauses it, a ends it: {abort_hint(story)}"


def waits_lines(story: RunStory, now: float, width: int) -> list[str]:
    """`waits_line` in two lines at most."""
    found = textwrap.wrap(waits_line(story, now), width, subsequent_indent="  ", break_on_hyphens=False)
    return [found[0], " ".join(found[1:])[: width - 1]] if len(found) > 1 else found


def approval_words(story: RunStory, now: float) -> str:
    """Whose yes, until when, and the command."""
    wanted = story.approval
    if wanted is None:
        return ""
    left = numbers.length(max(0.0, wanted.until - now))
    who = "another person" if wanted.needed == 1 else f"{wanted.needed} other people"
    given = f" ({', '.join(story.approvals)} said yes)" if story.approvals else ""
    return (
        f"APPROVAL  {who} until {numbers.clock(wanted.until)} ({left}){given}:"
        f" p, or keelwatch runbook approve {story.run}"
    )


def approval_lines(story: RunStory, width: int) -> list[str]:
    """What somebody says yes to: the plan, step by step."""
    lines = [f"run {story.run} by {story.starter}, {story.mode}, plan {story.plan_sha}"]
    for number, step in enumerate(story.steps, 1):
        words = "; ".join(step.effects) or step.does
        lines += _numbered(number, f"{step.name}: {words}", width)
        if step.is_no_return:
            lines.append("    no way back from here on")
    for name, found in story.approval.shown.items() if story.approval else ():
        lines += textwrap.wrap(f"{name}: {found}", width, subsequent_indent="    ", break_on_hyphens=False)
    return lines


def twin(story: RunStory) -> str:
    """The command that does what comes next, else the one that shows the same."""
    if story.question is not None:
        choice = story.question.choices[0]
        note = ' --note "..."' if choice in story.question.wants_note else ""
        return f"keelwatch attach {story.run} --answer {choice}{note}"
    if not story.is_over and not story.alive:
        return f"keelwatch runbook resume {story.run}"
    if story.approval is not None and not story.is_over:
        return f"keelwatch runbook approve {story.run}"
    return f"keelwatch runbook show {story.run}"


def abort_hint(story: RunStory) -> str:
    if story.maybe_passed and not story.passed:
        return "what is taken back depends on a check"
    if story.passed:
        return "nothing is taken back any more"
    return f"{len(story.owed)} acts are taken back" if story.owed else "nothing to take back yet"


def _numbered(number: int, words: str, width: int) -> list[str]:
    head = f"{number:>2}  "
    return textwrap.wrap(words, width, initial_indent=head, subsequent_indent="    ", break_on_hyphens=False)


def why_not(key: str, story: RunStory, step: StepStory | None) -> str:
    """Why a key does nothing now; empty when it does something."""
    if story.is_over and key not in {"answer", "note"}:
        return f"it has ended: {story.verdict}"
    match key:
        case "resume":
            return _why_not_resumed(story)
        case "skip":
            return _why_not_skipped(story, step)
        case "undo":
            return _why_not_undone(story)
        case "note":
            return "" if step is not None else "the cursor stands on no step"
        case "abort":
            return "it is ending already" if story.aborted is not None and story.alive else ""
        case "approve":
            return "" if story.approval is not None else "it waits for nobody's approval"
        case "pause":
            return "" if story.alive else f"no process carries it out: it is {story.phase}"
    return ""


def _why_not_resumed(story: RunStory) -> str:
    if not story.alive:
        return ""
    return "it waits for your answer: enter" if story.question is not None else f"it is {story.phase} already"


def _why_not_undone(story: RunStory) -> str:
    if story.way_back:
        return ""
    if story.question is None:
        return "one step is taken back where one fails; all of it: a"
    last = story.passed or story.maybe_passed
    return f"{last} was the point of no return" if last else "nothing before has a way back"


def _why_not_skipped(story: RunStory, step: StepStory | None) -> str:
    if step is None:
        return "the cursor stands on no step"
    if step.told.is_approval:
        return "an approval is given by another person, and never skipped"
    if step.state.is_over or step.state is StepState.TAKEN_BACK:
        return f"{step.name} is {WORDS[step.state]} already"
    if story.question is not None and story.asking is step:
        return "answer what it asks: enter"
    if step.state is not StepState.WAITING:
        return f"{step.name} has begun; only what has not begun is skipped"
    return f"{step.name} is to be skipped already" if step.skip_asked is not None else ""
