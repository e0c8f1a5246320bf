"""What a run asks of a person, as text: what is in question, the evidence, and what each answer leads to."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.view import numbers
from console.view.run_story import BY_HAND, IN_DOUBT
from runbooks.conduct.plan import UNTOLD
from runbooks.conduct.progress import StepState

if TYPE_CHECKING:
    from console.view.run_story import RunStory, StepStory
    from keelwatch.runs import Effect

KINDS_OF_EVIDENCE = {
    "text": "what you saw, in words",
    "url": "a link",
    "number": "a number",
    "file": "the path of a file on this host",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """`key` chooses it, `leads_to` says in a sentence what then happens, `wants_note` that it is no answer
    without a reason or the evidence."""

    choice: str
    key: str
    leads_to: str
    wants_note: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """`title` in a few words, then `lines` of at most the width asked for."""

    seq: int
    title: str
    lines: tuple[str, ...]
    answers: tuple[Answer, ...]


def asked(story: RunStory, width: int, now: float) -> Asked | None:
    """The question that the run waits with; None when it asks none."""
    question = story.question
    if question is None:
        return None
    step = story.asking
    match question.choices:
        case choices if choices == IN_DOUBT and step is not None and step.doubt is not None:
            title, lines = f"IN DOUBT: {step.name}", _doubt_lines(story, step, step.doubt, width, now)
        case choices if "retry" in choices:
            how = "WAS TAKEN BACK" if step and step.state is StepState.TAKEN_BACK else "FAILED"
            title = f"{step.name} {how}" if step else f"A STEP {how}"
            lines = _failed_lines(story, step, width)
        case choices if choices == BY_HAND:
            title = f"{step.name}: A PERSON DOES THIS" if step else "A PERSON DOES THIS"
            lines = _by_hand_lines(story, step, width)
        case _:
            title, lines = "IT ASKS", _wrapped(question.text, width)
    answers: list[Answer] = []
    for choice in question.choices:
        key = _key(choice, {one.key for one in answers})
        leads_to = _leads_to(story, step, choice)
        answers.append(Answer(choice, key, leads_to, choice in question.wants_note))
    return Asked(question.seq, title, tuple(lines), tuple(answers))


def answer_lines(found: Asked, width: int) -> list[str]:
    """A line or more for each answer: its key, its word, what it leads to."""
    lines: list[str] = []
    for one in found.answers:
        head = f"{one.key}  {one.choice:<9}"
        note = " You are asked for it." if one.wants_note and one.choice == "done" else ""
        note = " You are asked why." if one.wants_note and not note else note
        lines += textwrap.wrap(
            one.leads_to + note,
            width,
            initial_indent=head,
            subsequent_indent=" " * len(head),
            break_on_hyphens=False,
        )
    return lines


def question_lines(found: Asked, width: int) -> list[str]:
    return [found.title, *found.lines, "", *answer_lines(found, width)]


def _doubt_lines(story: RunStory, step: StepStory, doubt: Effect, width: int, now: float) -> list[str]:
    told = ", ".join(
        f"{key} {_value(value)}" for key, value in doubt.action.args.items() if key not in UNTOLD
    )
    before = ", ".join(f"{key} {_value(value)}" for key, value in doubt.before.items())
    question = story.question.text if story.question else ""
    evidence = question.partition(" happen? ")[2]
    began = f", {numbers.length(now - step.doubt_at)} ago" if step.doubt_at is not None else ""
    lines = _wrapped(
        f"{doubt.action.verb} on {doubt.target} was sent, and its answer never came. It may or may not have"
        " happened.",
        width,
    )
    lines += _labelled("the act", f"{doubt.action.verb}: {told or 'no arguments'}", width)
    lines += _labelled("sent", f"attempt {doubt.number} of step {doubt.step}{began}", width)
    if before:
        lines += _labelled("before", before, width)
    lines += _labelled("its check", evidence or "says nothing", width)
    lines += _labelled("a second", SECOND.get(doubt.effect_class, "attempt may do it twice"), width)
    return lines


SECOND = {
    "desired-state": "attempt would only assert the same again",
    "conditional": "attempt is refused if the first one happened",
    "keyed": "attempt is known by its key, and does nothing twice",
    "checkable": "attempt would do it again if the first one happened",
    "opaque": "attempt would do it again if the first one happened",
}


def _failed_lines(story: RunStory, step: StepStory | None, width: int) -> list[str]:
    question = story.question.text if story.question else ""
    if step is None:
        return _wrapped(question, width)
    for beginning in (" failed: ", " was taken back: ", ": "):
        question = question.removeprefix(f"{step.name}{beginning}")
    lines = _labelled("it does", step.does, width)
    lines += _labelled("found", question.partition(" (back: ")[0], width)
    for one in step.asked[:3]:
        if one.answer != "yes":
            lines += _labelled("asked", f"{one.name}: {one.answer}, {one.evidence}", width)
    if step.effects:
        lines += _labelled("planned", f"{numbers.clock(story.started)} {'; '.join(step.effects)}", width)
    return lines


def _by_hand_lines(story: RunStory, step: StepStory | None, width: int) -> list[str]:
    question = story.question.text if story.question else ""
    body = question.removeprefix(f"{step.name}: ") if step else question
    lines = [line for part in body.splitlines() for line in (_wrapped(part, width) or [""])]
    kind = KINDS_OF_EVIDENCE.get(step.told.evidence) if step else None
    return [*lines, *(_labelled("hand in", kind, width) if kind else [])]


def _leads_to(story: RunStory, step: StepStory | None, choice: str) -> str:
    name = step.name if step else "the step"
    match choice:
        case "done" if story.question is not None and story.question.choices == IN_DOUBT:
            return f"It happened: {name} goes on from there, and this act is never sent again."
        case "not-done":
            again = step is not None and step.doubt is not None and step.doubt.effect_class == "opaque"
            twice = " If it did happen, it then happens twice." if again else ""
            return f"It did not happen: it is sent again.{twice}"
        case "abort" if story.question is not None and story.question.choices == IN_DOUBT:
            return f"It stays in doubt, on record. {name} has failed then, and you are asked what to do."
        case "abort":
            return f"The run ends here. {abort_words(story)}"
        case "retry":
            return f"{name} is tried again now. What of it was done is not done twice."
        case "back":
            return (
                f"Takes back {story.way_back or 'what was done before'} too; then it asks what to do there."
            )
        case "skip":
            return f"The run goes on without {name}, which later steps may need. The ledger says so."
        case "done":
            return f"{name} is done, and the run goes on."
        case "cannot":
            return f"{name} has failed then, and you are asked: what to do."
    return "The run goes on with that."


def abort_words(story: RunStory) -> str:
    """What ending the run now leaves behind."""
    if story.passed:
        return f"Nothing is taken back: {story.passed} was the point of no return. The exit code is 8."
    if story.maybe_passed:
        return (
            f"{story.maybe_passed} is the point of no return. When its check says that it did not happen,"
            f" {_owed_steps(story)} is taken back; else nothing, and the exit code is 8."
        )
    if not story.owed:
        return "Nothing has been done that is to be taken back."
    return f"It takes back {_owed_steps(story)}."


def _owed_steps(story: RunStory) -> str:
    """The newest first."""
    return ", then ".join(dict.fromkeys(one.partition("/")[0] for one in story.owed)) or "nothing"


def _key(choice: str, taken: set[str]) -> str:
    return next((letter for letter in choice if letter.isalpha() and letter not in taken), choice[0])


def _value(value: object) -> str:
    if isinstance(value, dict):
        return " ".join(f"{key}={one}" for key, one in value.items())
    return str(value)


def _labelled(label: str, words: str, width: int) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent=f"{label:<10}",
        subsequent_indent=" " * 10,
        break_on_hyphens=False,
    ) or [label]


def _wrapped(words: str, width: int) -> list[str]:
    return textwrap.wrap(words, width, break_on_hyphens=False)
