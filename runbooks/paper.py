"""A runbook on paper: for the night when the console, the wiki and the network are gone. Pure.

Plain text of at most 78 columns, but for commands, which are never broken: what is typed must be whole. There
are blanks for names, times and evidence; what could not be resolved is said first.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

from runbooks.by_hand import Places, Sight, back_by_hand, by_hand, look_before
from runbooks.inputs import fill
from runbooks.render import FORWARD_ONLY, terms
from runbooks.rules import point_of_no_return
from runbooks.spec import UndoVerb
from runbooks.stages import ASKS_MODE, Mode, action_of, stages_of
from runbooks.words import CONDITIONS, RULES, condition_words, kind_of, ready_words, span, step_words

if TYPE_CHECKING:
    from collections.abc import Mapping

    from runbooks.spec import Condition, RunbookSpec, Step

WIDTH = 78
LINE = "_" * 24
CAPITALS = "WORDS IN CAPITALS stand for what you must fill in."


@dataclass(frozen=True, slots=True)
class Imprint:
    """Which text this is a copy of, and when it was made (in words)."""

    file: str
    sha: str
    at: str


def paper(spec: RunbookSpec, sight: Sight, imprint: Imprint) -> str:
    """The whole copy. Never raises for what is not known."""
    places = Places(sight)
    body = [*_before(spec, sight.values, places), *_steps(spec, sight.values, places)]
    body += _end(spec, sight.values, places)
    return "\n".join([*_head(spec, sight, imprint), *_missing(places), *body]).rstrip() + "\n"


def _head(spec: RunbookSpec, sight: Sight, imprint: Imprint) -> Iterator[str]:
    yield from textwrap.wrap(spec.title.upper(), WIDTH)
    yield "=" * WIDTH
    yield f"Runbook: {spec.runbook}    Owner: {spec.owner}"
    yield f"Environment: {sight.environment or LINE}"
    if spec.objectives is not None:
        rpo = spec.objectives.rpo
        lost = f"    Writes lost at most (RPO): {span(rpo)}" if rpo is not None else ""
        yield f"Back within (RTO): {span(spec.objectives.rto)}{lost}"
    for name, one in spec.inputs.items():
        about = f"    ({one.about})" if one.about else ""
        yield from _wrapped(f"{name} = {sight.values.get(name, LINE)}{about}", "  ")
    yield f"Printed {imprint.at}, a copy of"
    yield f"  {imprint.file}"
    yield f"  sha256 {imprint.sha}"
    yield ""
    yield f"Incident {LINE}  Led by {LINE}"
    yield f"Started at {LINE}  By {LINE}"
    if _has_modes(spec):
        yield "[ ] graceful   [ ] ungraceful: the old region is lost, and what only it has"
    yield ""


def _has_modes(spec: RunbookSpec) -> bool:
    return any(step.ungraceful is not None or step.action in ASKS_MODE for step in spec.steps)


def _missing(places: Places) -> Iterator[str]:
    if places.missing:
        yield "COULD NOT BE RESOLVED"
        for reason, what in places.missing.items():
            yield from _wrapped(f"{', '.join(what)}: {reason}", "  - ")
    yield CAPITALS
    yield ""


def _before(spec: RunbookSpec, values: Mapping[str, str], places: Places) -> Iterator[str]:
    if spec.rules:
        yield "ALWAYS: before and after every step"
        for rule in spec.rules:
            yield f"  [ ] {RULES[rule]}"
        yield ""
    if spec.ready:
        yield "BEFORE THE FIRST STEP"
        for one in spec.ready:
            yield from _wrapped(ready_words(one, values), "  [ ] ")
            yield from _commands(_asked(one, values, places))
        yield ""


def _steps(spec: RunbookSpec, values: Mapping[str, str], places: Places) -> Iterator[str]:
    end = point_of_no_return(spec.steps)
    yield from ("STEPS", "-" * WIDTH)
    for index, step in enumerate(spec.steps):
        if index == end:
            yield from ("", f"*** {FORWARD_ONLY.upper()} ***", "")
        yield f"{index + 1:>2}. [ ] {step.id}    ({kind_of(step)})"
        yield from _step(step, values, places)
        yield f"    Began at {LINE}  Ended at {LINE}"
        yield f"    Done by  {LINE}  Seen by  {LINE}"
        yield f"    {'Evidence' if step.evidence else 'Result'} {'_' * 64}"
        yield "-" * WIDTH


def _step(step: Step, values: Mapping[str, str], places: Places) -> Iterator[str]:
    if step.why is not None:
        yield from _prose(fill(step.why, values), "    ")
    if step.human is not None:
        yield "    Do this:"
        yield from _prose(fill(step.human, values), "      ")
    else:
        stages = stages_of(step, values, Mode.GRACEFUL)
        if step.undo == "previous" and stages:
            yield from _commands(look_before(stages[0].action, places), "first note what is BEFORE")
        for words, stage in zip_longest(step_words(step, values), stages):
            yield from _wrapped(words + ".", "    -> ")
            yield from _commands(by_hand(stage.action, places) if stage else [])
    for what, said in terms(step, values):
        yield from _wrapped(f"{what.capitalize()}: {said}", "    ")
    yield from _commands(_back(step, values, places), "to undo")


def _back(step: Step, values: Mapping[str, str], places: Places) -> list[str]:
    if isinstance(step.undo, UndoVerb):
        return [
            line
            for one in stages_of(step.undo, values, Mode.GRACEFUL)
            for line in by_hand(one.action, places)
        ]
    stages = stages_of(step, values, Mode.GRACEFUL) if step.undo == "previous" else ()
    return back_by_hand(stages[0].action, places) if stages else []


def _end(spec: RunbookSpec, values: Mapping[str, str], places: Places) -> Iterator[str]:
    if spec.done_when is not None:
        yield "DONE WHEN"
        for one in condition_words(spec.done_when, values):
            yield from _wrapped(one, "  [ ] ")
        yield from _commands(_asked(spec.done_when, values, places))
        if spec.done_when.within is not None:
            yield f"  all of it within {span(spec.done_when.within)} of the last step"
        yield ""
    yield f"Ended at {LINE}  By {LINE}"
    if spec.objectives is not None:
        yield f"Customers served again at {LINE}"
        yield f"Writes lost {LINE}"
    yield f"What was not done, and why {'_' * 50}"


def _asked(one: Condition, values: Mapping[str, str], places: Places) -> list[str]:
    """The commands that ask what a condition asks."""
    from runbooks.spec import arguments

    found = []
    for key in CONDITIONS:
        written = arguments(one, key)
        if written is not None:
            found += by_hand(action_of(key, written, values, Mode.GRACEFUL), places)
    if one.serving is not None:
        found.append(places.ask_edge("state"))
    return found


def _commands(lines: list[str], what: str = "") -> Iterator[str]:
    if lines and what:
        yield f"      {what}:"
    for line in lines:
        if line.startswith("# "):
            yield from _wrapped(line[2:], "      # ")
        else:
            yield f"      $ {line}"


def _wrapped(text: str, lead: str) -> list[str]:
    """Within the width; the lines that follow begin below the first word."""
    return textwrap.wrap(
        text,
        WIDTH,
        initial_indent=lead,
        subsequent_indent=" " * len(lead),
        break_long_words=False,
        break_on_hyphens=False,
    )


def _prose(text: str, lead: str) -> Iterator[str]:
    """Markdown as it is, its paragraphs within the width; a line of a list stays a line of its own."""
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        is_item = line.lstrip()[:2] in {"- ", "* "} or line.lstrip()[:1].isdigit()
        if paragraph and (is_item or not line.strip()):
            yield from _wrapped(" ".join(paragraph), lead)
            paragraph = []
        if line.strip():
            paragraph.append(line.strip())
