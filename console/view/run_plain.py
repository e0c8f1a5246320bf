"""A run of a runbook as plain lines: what its screen shows, with the evidence of every step."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.view.columns import NARROW
from console.view.question import asked, question_lines
from console.view.run_keys import waits_line
from console.view.run_screen import LEFT_WIDE, evidence_lines, heading, rows, state_line, step_lines

if TYPE_CHECKING:
    from console.view.run_story import RunStory


def run_lines(story: RunStory, now: float, width: int = NARROW + 1) -> list[str]:
    """In reading order; the question last."""
    lines = [heading(story, width), state_line(story, now, width), waits_line(story, now), ""]
    every, _ = step_lines(story, -1, LEFT_WIDE + 10, len(story.steps) + 3, now)
    lines += every
    for row in rows(story):
        told = evidence_lines(story, row, width - 2)
        if len(told) > 1 and (row.number is None or row.mark != "[ ]"):
            lines += ["", *told]
    found = asked(story, width - 2, now)
    return [*lines, "", *question_lines(found, width - 2)] if found else lines
