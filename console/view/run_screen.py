"""A run of a runbook as text: steps with their states in words, evidence beside them or below."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.view import numbers
from console.view.columns import NARROW
from console.view.lost_writes import lost_words
from console.view.run_story import RunStory, StepStory, login_of
from keelwatch.runs import Phase
from runbooks.conduct.progress import StepState
from runbooks.inputs import fill

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from runbooks.conduct.progress import AskedWorld

READY, SETTLE = "readiness", "settling"
MARKS = {
    StepState.WAITING: "[ ]",
    StepState.BEGUN: "[>]",
    StepState.DONE: "[x]",
    StepState.SKIPPED: "[-]",
    StepState.ACCEPTED: "[~]",
    StepState.FAILED: "[!]",
    StepState.TAKEN_BACK: "[<]",
}
WORDS = {
    StepState.WAITING: "waiting",
    StepState.BEGUN: "running",
    StepState.DONE: "done",
    StepState.SKIPPED: "skipped",
    StepState.ACCEPTED: "failed, borne",
    StepState.FAILED: "FAILED",
    StepState.TAKEN_BACK: "taken back",
}
IN_DOUBT = "[?]"
LEFT_WIDE = 62  # columns of the steps, where the evidence stands beside them
AROUND_SMALL = 14  # lines of a small screen that are not of the steps
LEAST_ROWS = 5


@dataclass(frozen=True, slots=True)
class Row:
    """A line that the cursor can stand on. `name` is a step, or `READY` or `SETTLE`."""

    name: str
    mark: str
    word: str
    at: float | None
    took_s: float | None
    number: int | None = None


def rows(story: RunStory) -> list[Row]:
    """Readiness, each step, settling: in order."""
    found = [_ready_row(story)]
    for number, step in enumerate(story.steps, 1):
        mark, word = state_of(step, story)
        found.append(Row(step.name, mark, word, step.ended or step.began, step.took_s, number))
    return [*found, _settle_row(story)]


def state_of(step: StepStory, story: RunStory) -> tuple[str, str]:
    """Its mark, and the word that says the same."""
    if step.doubt is not None:
        return IN_DOUBT, "IN DOUBT"
    mark, word = MARKS[step.state], WORDS[step.state]
    if step.state is StepState.BEGUN:
        if story.approval is not None and story.approval.step == step.name and not story.is_over:
            return mark, "ASKS approval"
        if story.question is not None and story.asking is step:
            return mark, "ASKS you"
        return mark, word if story.alive else "begun"
    if step.state is StepState.FAILED and story.asking is step:
        return mark, "FAILED, ASKS"
    if step.state is StepState.TAKEN_BACK and story.asking is step:
        return mark, "back, ASKS you"
    if step.state is StepState.WAITING:
        return mark, "to be skipped" if step.skip_asked is not None else "" if story.is_over else word
    return mark, word


def _ready_row(story: RunStory) -> Row:
    flaws = [one for one in story.ready if one.answer != "yes"]
    if story.is_ready:
        return Row(READY, "[x]", "ready" if not flaws else "ready, warned", None, None)
    if story.is_over:
        return Row(READY, "[!]", "NOT READY" if flaws or story.ready else "not asked", None, None)
    return Row(READY, "[>]", "asking" if story.alive else "begun", story.started, None)


def _settle_row(story: RunStory) -> Row:
    took = number_of(story.measured, "split", "settle_s")
    if story.measured:
        return Row(SETTLE, "[x]", "holds", story.settling_since, took)
    if story.settling_since is None:
        return Row(SETTLE, "[ ]", "" if story.is_over else "waiting", None, None)
    if story.is_over:
        return Row(SETTLE, "[!]", "NOT SETTLED", story.settling_since, None)
    return Row(SETTLE, "[>]", "settling" if story.alive else "begun", story.settling_since, None)


def default_row(story: RunStory) -> int:
    """Where a cursor that nobody moved stands: on what happens now."""
    names = [one.name for one in rows(story)]
    step = story.asking or next((one for one in story.steps if one.doubt is not None), None) or story.current
    if step is not None and not (story.is_over and story.measured):
        return names.index(step.name)
    return len(names) - 1 if story.is_ready else 0


def heading(story: RunStory, width: int) -> str:
    """`failover-region  west -> east  graceful   run 3f2a`"""
    inputs = story.inputs
    where = (
        f"{inputs['from']} -> {inputs['to']}"
        if {"from", "to"} <= inputs.keys()
        else ", ".join(f"{name} {value}" for name, value in inputs.items())
    )
    parts = [f"Runbooks > {story.runbook}", where, story.mode]
    return numbers.fit("  ".join(one for one in parts if one), [f"   run {story.run}"], width - 1)


def state_line(story: RunStory, now: float, width: int) -> str:
    """How it stands, how far, and how long it took of the RTO."""
    done, steps = story.counts
    current = next((one for one in rows(story) if one.mark in {"[>]", IN_DOUBT}), None)
    which = f"step {current.number} of {steps}" if current and current.number else f"{done} of {steps} steps"
    parts = [phase_words(story), which, time_words(story, now)]
    more = [f" | by {story.starter}"]
    if story.passed:
        more.insert(0, f" | past the point of no return ({story.passed})")
    elif story.maybe_passed:
        more.insert(0, f" | maybe past the point of no return ({story.maybe_passed})")
    return numbers.fit(" | ".join(parts), more, width - 1)


def phase_words(story: RunStory) -> str:
    """One word or a few: `RUNNING`, `WAITS for approval`, `ORPHANED`."""
    if story.is_over:
        how = f"ENDED {story.verdict.outcome}" if story.verdict else "ENDED"
        return f"{how}, LEFT BEHIND" if story.left_behind else how
    if any(one.doubt is not None for one in story.steps) and story.question is not None:
        return "IN DOUBT, asks you"
    if story.question is not None:
        return "ASKS you"
    if story.phase is Phase.RUNNING and story.approval is not None:
        return "WAITS for approval"
    if story.phase is Phase.RUNNING and story.aborted is not None:
        return "ABORTING"
    return story.phase.upper()


def time_words(story: RunStory, now: float) -> str:
    """`1m02s of RTO 3m`; `OVER RTO 3m` once it is more."""
    spent = (story.ended or now) - story.started
    if story.pinned.rto_s is None:
        return f"{numbers.length(spent)}, no RTO"
    rto = numbers.length(story.pinned.rto_s)
    over = "OVER " if spent > story.pinned.rto_s else "of "
    return f"{numbers.length(spent)} {over}RTO {rto}"


def step_lines(story: RunStory, cursor: int, width: int, most: int, now: float) -> tuple[list[str], int]:
    """At most `most` lines around the cursor, and which of them is the cursor's."""
    lines: list[str] = []
    at = 0
    no_return = story.no_return
    for index, row in enumerate(rows(story)):
        if no_return is not None and row.name == no_return.name and row.number is not None:
            lines.append(_no_return_line(story, width))
        if index == cursor:
            at = len(lines)
        lines.append(_row_line(row, width, now, is_cursor=index == cursor))
    if len(lines) <= most:
        return lines, at
    first = min(max(0, at - most // 2), len(lines) - most)
    shown = lines[first : first + most]
    if first > 0:
        shown[0] = f"   ... {first + 1} more above"
    if first + most < len(lines):
        shown[-1] = f"   ... {len(lines) - first - most + 1} more below"
    return shown, at - first


def _row_line(row: Row, width: int, now: float, *, is_cursor: bool) -> str:
    number = f"{row.number:>2}" if row.number is not None else "  "
    when = numbers.clock(row.at) if row.at is not None else ""
    took = took_words(row.took_s) if row.took_s is not None else ""
    if row.mark == "[>]" and row.at is not None:
        took = numbers.length(now - row.at)
    name_width = width - 42
    name = row.name if len(row.name) <= name_width else f"{row.name[: name_width - 1]}~"
    cursor = ">" if is_cursor else " "
    line = f"{cursor} {row.mark} {number} {name:<{name_width}} {row.word:<14}{when:>9}{took:>7}"
    return line.rstrip()


def took_words(seconds: float) -> str:
    return f"{seconds:.1f}s" if seconds < 60 else numbers.length(seconds)


def _no_return_line(story: RunStory, width: int) -> str:
    if story.passed:
        words = " PASSED: the point of no return "
    elif story.maybe_passed:
        words = " MAY BE PASSED: the point of no return "
    else:
        words = " point of no return: from here on nothing is taken back "
    line = f"  ==={words}"
    return (line + "=" * max(0, width - len(line) - 2))[: width - 1]


def evidence_lines(story: RunStory, row: Row, width: int) -> list[str]:
    """What is known of what stands at the cursor."""
    match row.name, row.number:
        case name, None if name == READY:
            lines = ["EVIDENCE for readiness", *_answers(story.ready, width, "nothing was asked")]
            return [*lines, *([] if story.is_ready else _ended_lines(story, width))]
        case _, None:
            lines = ["EVIDENCE for settling", *measured_lines(story, width)]
            lines += _answers(story.done, width, "nothing was asked")
            return lines if story.measured else [*lines, *_ended_lines(story, width)]
    step = story.step(row.name)
    return _step_evidence(story, step, width) if step is not None else []


def _step_evidence(story: RunStory, step: StepStory, width: int) -> list[str]:
    lines = [f"EVIDENCE for {step.name}: {state_of(step, story)[1] or 'not begun'}"]
    if step.doubt is not None:
        one = step.doubt
        words = f"{one.action.verb} on {one.target}, attempt {one.number}: it may or may not have happened"
        lines += _labelled("IN DOUBT", words, width)
    if step.trips:
        lines += _labelled("GUARD", f"tripped: {step.trips}", width)
    if step.words and not (step.trips and step.trips in step.words):
        label = "why" if step.state in {StepState.SKIPPED, StepState.FAILED, StepState.ACCEPTED} else "found"
        lines += _labelled(label, step.words, width)
    if step.skip_asked is not None and not step.state.is_over:
        lines += _labelled("to skip", step.skip_asked, width)
    for remark in step.remarks:
        told = f"{numbers.clock(remark.at)} {login_of(remark.actor)}: {remark.words}"
        lines += _labelled("note", told, width)
    if step.told.is_approval and story.approvals:
        lines += _labelled("yes by", ", ".join(story.approvals), width)
    if story.approval is not None and story.approval.step == step.name:
        for name, found in story.approval.shown.items():
            lines += _labelled("shown", f"{name}: {found}", width)
    lines += _labelled("does", step.does, width)
    for effect in step.effects:
        lines += _labelled("planned", f"{numbers.clock(story.started)} {effect}", width)
    lines += _labelled("back", step.way_back, width)
    lines += _answers(step.asked, width, "")
    return [*lines, *_labelled("because", fill(_plain(step.told.why), story.inputs), width)]


def _ended_lines(story: RunStory, width: int) -> list[str]:
    """The verdict in full, and what was left behind."""
    if story.verdict is None:
        return []
    lines = _labelled("ENDED", f"{story.verdict} (exit code {int(story.verdict.exit_code)})", width)
    for one in story.left_behind:
        lines += _labelled("LEFT", f"{one}: keelwatch heal --list", width)
    return lines


def _answers(found: Sequence[AskedWorld], width: int, none: str) -> list[str]:
    if not found:
        return _labelled("", none, width) if none else []
    lines: list[str] = []
    for one in found:
        guard = "guard: " if one.at.startswith("guard ") else ""
        word = one.answer if one.answer == "yes" else one.answer.upper()
        lines += _labelled(word, f"{guard}{one.name}: {one.evidence}", width)
    return lines


def measured_lines(story: RunStory, width: int) -> list[str]:
    """RTO and RPO beside their objectives, and where the time went."""
    found = story.measured
    if not found:
        return []
    lines = ["MEASURED"]
    lines += _labelled("RTO", f"{_seconds(found, 'rto_s')}{_beside(found, 'rto')}", width)
    if found.get("rpo_s") is None:
        lines += _labelled("RPO", f"unknown: {found.get('rpo_unknown_reason')}", width)
    else:
        lost = found.get("lost_writes")
        writes = f"{lost} acknowledged writes lost" if lost else "no write lost"
        gap = f", write gap {_seconds(found, 'write_gap_s')}" if found.get("write_gap_s") is not None else ""
        lines += _labelled("RPO", f"{_seconds(found, 'rpo_s')}{_beside(found, 'rpo')}: {writes}{gap}", width)
        lines += _labelled("lost", lost_words(found), width) if lost else []
    split = found.get("split")
    if isinstance(split, dict):
        told = [f"{name.removesuffix('_s')} {_short(value)}" for name, value in split.items()]
        lines += _labelled("split", ", ".join(told), width)
    return lines


def _beside(found: JsonObject, key: str) -> str:
    wanted = found.get(f"{key}_objective_s")
    if not isinstance(wanted, int | float):
        return ""
    met = found.get(f"{key}_met")
    return f" (objective {wanted:g} s, {'met' if met else 'MISSED' if met is False else 'unknown'})"


def _seconds(found: JsonObject, key: str) -> str:
    value = found.get(key)
    return f"{value:.1f} s" if isinstance(value, int | float) else "unknown"


def _short(value: object) -> str:
    return f"{value:.1f}" if isinstance(value, int | float) else "?"


def number_of(found: JsonObject, *keys: str) -> float | None:
    """A number within nested objects; None where there is none."""
    value: object = found
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return float(value) if isinstance(value, int | float) else None


def drawn(story: RunStory, cursor: int, width: int, height: int, now: float) -> tuple[list[str], int]:
    """The body of the screen, and the line of the cursor. Evidence stands beside, or below."""
    row = rows(story)[cursor]
    if width >= NARROW:
        steps, at = step_lines(story, cursor, LEFT_WIDE, max(LEAST_ROWS, height - 9), now)
        beside = evidence_lines(story, row, width - LEFT_WIDE - 5)
        count = max(len(steps), len(beside))
        steps += [""] * (count - len(steps))
        beside += [""] * (count - len(beside))
        return [
            f" {one:<{LEFT_WIDE}} | {other}".rstrip() for one, other in zip(steps, beside, strict=True)
        ], at
    steps, at = step_lines(story, cursor, width - 2, max(LEAST_ROWS, height - AROUND_SMALL), now)
    return [f" {one}".rstrip() for one in [*steps, *evidence_lines(story, row, width - 3)]], at


def _plain(markdown: str) -> str:
    return " ".join(markdown.replace("**", "").split())


def _labelled(label: str, words: str, width: int) -> list[str]:
    return textwrap.wrap(
        words,
        width,
        initial_indent=f" {label:<9}",
        subsequent_indent=" " * 10,
        break_on_hyphens=False,
    )
