"""A plan as text: each step, what it would do now, and how it is taken back."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from runbooks.conduct.plan import Forecast, Plan

WIDTH = 110


def plan_lines(plan: Plan, width: int = WIDTH) -> list[str]:
    """At most `width` columns."""
    inputs = ", ".join(f"{name} {value}" for name, value in plan.values.items())
    lines = [
        f"{plan.runbook} in {plan.environment}, {plan.mode.value}: {inputs}",
        *standing_lines(plan, width),
        "",
    ]
    for number, step in enumerate(plan.steps, 1):
        lines += _step(number, step, width)
    return [*lines, "", f"plan {plan.sha}"]


def standing_lines(plan: Plan, width: int = WIDTH) -> list[str]:
    """How the systems stand, a line each."""
    lines = []
    for part, found in plan.standing.items():
        if found is None:
            continue
        told = found.items() if isinstance(found, dict) else [("", found)]
        words = "; ".join(f"{name} {value}".strip() for name, value in told)
        lines += _wrapped(f"  {part:<10}", words, width)
    return lines


def _step(number: int, step: Forecast, width: int) -> list[str]:
    head = f"{number:>2} {step.step:<18}"
    if step.skipped:
        return _wrapped(head, f"left out: {step.skipped}", width)
    lines = _wrapped(head, step.words, width)
    for effect in step.effects:
        lines += _wrapped("   now:  ", effect, width)
    if step.trouble:
        lines += _wrapped("   now:  ", f"not yet: {step.trouble}", width)
    if step.way_back:
        lines += _wrapped("   back: ", step.way_back, width)
    return lines


def _wrapped(head: str, words: str, width: int) -> list[str]:
    return textwrap.wrap(
        words, width, initial_indent=head, subsequent_indent=" " * len(head), break_on_hyphens=False
    ) or [head.rstrip()]
