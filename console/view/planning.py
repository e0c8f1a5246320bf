"""The screen of one runbook as text: what it would do now, what has changed since it was last planned."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from console.view import numbers
from console.view.columns import NARROW
from console.view.plan import plan_lines
from runbooks.conduct.world import changed
from runbooks.stages import Mode

if TYPE_CHECKING:
    from runbooks.conduct.plan import Plan

SHORT = frozenset({"from", "to", "region"})


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a runbook is planned for. `choices` are the values that each input may have; none: any text."""

    values: Mapping[str, str] = field(default_factory=dict)
    mode: Mode = Mode.GRACEFUL
    choices: Mapping[str, Sequence[str]] = field(default_factory=dict)

    def turned(self) -> Inputs:
        """From and to swapped; else the next value of the first input that has a choice."""
        values = dict(self.values)
        if {"from", "to"} <= values.keys():
            values["from"], values["to"] = values["to"], values["from"]
        else:
            for name, choices in self.choices.items():
                if len(choices) > 1:
                    at = choices.index(values[name]) if values.get(name) in choices else -1
                    values[name] = choices[(at + 1) % len(choices)]
                    break
        return Inputs(values, self.mode, self.choices)

    def other_mode(self) -> Inputs:
        other = Mode.UNGRACEFUL if self.mode is Mode.GRACEFUL else Mode.GRACEFUL
        return Inputs(self.values, other, self.choices)

    def with_value(self, name: str, value: str) -> Inputs:
        return Inputs({**self.values, name: value}, self.mode, self.choices)


@dataclass(frozen=True, slots=True)
class Planning:
    """`plan` is the newest, made `at` (Unix s), `before` the one it replaced; `trouble` why there is none.
    `busy` is a run of a runbook here that is not over: beside it another one is refused."""

    runbook: str
    environment: str
    inputs: Inputs
    plan: Plan | None = None
    at: float = 0.0
    before: Plan | None = None
    trouble: str = ""
    busy: str = ""
    asking: bool = False


def twin(planning: Planning, verb: str) -> str:
    """The command that does the same: `plan`, or `run` of exactly this plan."""
    words = ["keelwatch", "runbook", verb, planning.runbook, "--env", planning.environment]
    for name, value in planning.inputs.values.items():
        words += [f"--{name}", value] if name in SHORT else ["--input", f"{name}={value}"]
    if planning.inputs.mode is Mode.UNGRACEFUL:
        words.append("--ungraceful")
    if verb == "run" and planning.plan is not None:
        words += ["--plan", planning.plan.sha]
    return shlex.join(words)


def heading(planning: Planning, now: float, width: int) -> str:
    values = planning.inputs.values
    where = (
        f"{values['from']} -> {values['to']}"
        if {"from", "to"} <= values.keys()
        else ", ".join(f"{name} {value}" for name, value in values.items())
    )
    parts = [f"Runbooks > {planning.runbook}", where, planning.inputs.mode.value]
    return numbers.fit("  ".join(one for one in parts if one), _age(planning, now), width - 1)


def _age(planning: Planning, now: float) -> list[str]:
    if planning.asking:
        return ["   asking the real systems ..."]
    if planning.plan is None:
        return ["   NO PLAN"]
    return [f"   planned {numbers.length(now - planning.at)} ago", f", plan {planning.plan.sha}"]


def differences(planning: Planning) -> list[str]:
    """What the newest plan says otherwise than the one before."""
    plan, before = planning.plan, planning.before
    if plan is None or before is None:
        return []
    found = changed(before.standing, plan.standing)
    if before.mode is not plan.mode:
        found.append(f"mode: {before.mode} -> {plan.mode}")
    for name, value in plan.values.items():
        if before.values.get(name) != value:
            found.append(f"{name}: {before.values.get(name, 'nothing')} -> {value}")
    old = {one.step: one for one in before.steps}
    for step in plan.steps:
        was = old.get(step.step)
        if was is not None and before.values == plan.values and was.effects != step.effects:
            found.append(f"{step.step}: {_effects(was.effects)}, now {_effects(step.effects)}")
    return found


def _effects(effects: Sequence[str]) -> str:
    return "; ".join(effects) or "nothing yet"


def planning_lines(planning: Planning, width: int) -> list[str]:
    """The body of the screen."""
    lines: list[str] = []
    if planning.trouble:
        lines += [*textwrap.wrap(f"NOT PLANNED: {planning.trouble}", width), ""]
    if planning.plan is None:
        return lines or ["asking the real systems what it would do now; nothing is changed ..."]
    if planning.before is not None:
        told = differences(planning)
        lines.append("SINCE THE LAST PLAN" if told else "SINCE THE LAST PLAN  nothing has changed")
        for one in told:
            lines += textwrap.wrap(one, width, initial_indent="  ", subsequent_indent="    ")
        lines.append("")
    return [*lines, *plan_lines(planning.plan, width)]


def next_line(planning: Planning, width: int, *, armed: bool) -> str:
    """The next key, and the command that does the same."""
    if planning.plan is None:
        return "NEXT  n: plan anew   esc: back"
    if planning.busy:
        return f"NEXT  esc: run {planning.busy} is not over, so r is refused"
    run = "r: run it" if armed else "A: arm, then r: run it"
    told = f"   ({twin(planning, 'plan')})" if width >= NARROW else ""
    return f"NEXT  {run}   n: plan anew   s: turn round   g: {planning.inputs.other_mode().mode}{told}"


def confirm_lines(planning: Planning, width: int) -> list[str]:
    """What will run, before its name is typed."""
    plan = planning.plan
    if plan is None:
        return []
    last = next((one for one in plan.steps if one.way_back.startswith("none")), None)
    lines = [f"{plan.runbook} in {plan.environment}, {plan.mode.value}, {len(plan.steps)} steps"]
    if last is not None:
        lines += textwrap.wrap(f"no way back from {last.step} on: {last.words}", width)
    for skipped in (one for one in plan.steps if one.skipped):
        lines += textwrap.wrap(f"left out: {skipped.step}: {skipped.skipped}", width)
    lines += ["", *textwrap.wrap(twin(planning, "run"), width, break_on_hyphens=False)]
    return lines
