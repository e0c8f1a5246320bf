"""The screen of one journey in one region: its steps, or one of the other ways to look at it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import zip_longest

from console.view import numbers
from console.view.board import WORDS, strip, took
from console.view.columns import NARROW
from console.view.difference import body_lines, difference
from console.view.story import Story, medians_ms
from console.view.waterfall import TO_COME, checked, phase_line, status, waterfall
from keelwatch.workspace.visible import visible_line
from probes.history import KEPT
from probes.record import Execution, Result, StepRecord, StepState

WIDTH = 120  # columns of the screen's twin on the command line
NO_HISTORY = "not run here yet"


class Mode(StrEnum):
    STEPS = "steps"
    DIFF = "diff"
    HISTORY = "history"
    COMPARE = "compare"


@dataclass(frozen=True, slots=True)
class View:
    """How the operator wants to see it. `step` and `row` are cursors: of the steps, of the history."""

    width: int
    height: int
    mode: Mode = Mode.STEPS
    step: int = 0
    row: int = 0

    @property
    def is_wide(self) -> bool:
        return self.width >= NARROW


@dataclass(frozen=True, slots=True)
class Drawn:
    """`cursor` is the line that bears the cursor, None where there is none; `bad` are lines of what failed;
    `divider` is the column of the `|` between two halves, from the line `halves_from` on."""

    lines: tuple[str, ...]
    cursor: int | None = None
    bad: tuple[int, ...] = ()
    divider: int | None = None
    halves_from: int = 0


def heading(story: Story) -> str:
    every = f"every {numbers.length(story.every_s)}" if story.every_s else "on call"
    parts = [f"Probes > {story.journey}", f"in {story.region}"]
    if story.past:
        parts.append(f"{strip(story.past).strip()} (last {KEPT})")
    parts += [every, story.component]
    return "   ".join(parts)


def outcome_line(story: Story, now: float) -> str:
    """What came of the execution that is shown, and how old it is."""
    if story.running:
        done = len([step for step in story.records if step.state is not StepState.SKIPPED])
        return f"RUNNING {story.running}: {done} of {len(story.steps)} steps done   x: stop and undo"
    shown = story.shown
    if shown is None:
        return f"{NO_HISTORY}: n runs it now, and so does keelwatch probe run {story.journey}"
    age = f"{numbers.length(now - shown.started)} ago" if shown.started else "just now"
    at = f" ({numbers.clock(shown.started)})" if shown.started else ""
    parts = [f"{WORDS[shown.result]} {age}{at}, took {took(shown.took_s)}"]
    if not story.is_newest:
        parts.append("NOT THE NEWEST")
    if shown.reason:
        parts.append(f"{shown.reason}{f' [{shown.cause}]' if shown.cause else ''}")
    if shown.left_behind:
        parts.insert(0, "LEFT BEHIND: keelwatch heal")
    if not shown.first_try:
        parts.append("not at the first attempt")
    if shown.tainted:
        parts.append("times do not count")
    return " | ".join(parts)


def about_line(story: Story) -> str:
    """Who went, by which run and trace."""
    shown = story.shown
    if shown is None or not shown.id:
        return story.title
    account = f"account {shown.account} | " if shown.account else ""
    return f"{account}trace {shown.trace} | run {shown.run} | {story.title}"


def drawn(story: Story, view: View, now: float) -> Drawn:
    """Everything below the title: as many lines as there are, none so long that it would wrap."""
    found = _drawn(story, view, now)
    room = view.width - 2  # the last column may be a scrollbar's
    lines = map(visible_line, found.lines)
    cut = tuple(line if len(line) <= room else f"{line[: room - 1]}~" for line in lines)
    return replace(found, lines=cut)


def plain_lines(story: Story, now: float) -> list[str]:
    """The same for a pipe: uncut, with all there is of the step that failed, or of the first."""
    lines = [heading(story), outcome_line(story, now), about_line(story)]
    shown = story.shown
    if shown is None:
        return [*lines, *planned_lines(story)]
    at = shown.failed_step or 0
    lines += waterfall(shown.steps, medians_ms(story.greens), WIDTH, at)
    return [*lines, "", *(step_lines(shown.steps[at]) if at < len(shown.steps) else [])]


def diff_lines(story: Story, now: float) -> list[str]:
    """What differs from the last that passed, for a pipe."""
    told = difference(story.shown, story.green, now) if story.shown else []
    return [heading(story), outcome_line(story, now), *told]


def _drawn(story: Story, view: View, now: float) -> Drawn:
    match view.mode:
        case Mode.STEPS:
            return _steps(story, view, now)
        case Mode.DIFF:
            return Drawn(tuple(f" {line}" for line in diff_lines(story, now)[1:]))
        case Mode.HISTORY:
            return _history(story, view, now)
        case Mode.COMPARE:
            return _compare(story, view, now)


def _steps(story: Story, view: View, now: float) -> Drawn:
    top = [f" {outcome_line(story, now)}", f" {about_line(story)}"]
    steps = planned(story)
    if not steps:
        return Drawn((*top, "", *(f" {line}" for line in planned_lines(story))))
    lines = waterfall(steps, medians_ms(story.greens), view.width, view.step)
    lines = [*top, *lines]
    at = min(view.step, len(steps) - 1)
    step = steps[at]
    bad = tuple(3 + row for row, one in enumerate(steps) if one.state is StepState.FAILED)
    lines.append(f"  {phase_line(step)}")
    from_line = len(lines)
    if view.is_wide:
        left = (view.width - 5) // 2
        halves = (map(visible_line, half) for half in (expectation_lines(step), exchange_lines(step)))
        both = zip_longest(*halves, fillvalue="")
        lines += [f" {a:<{left}.{left}} | {b}".rstrip() for a, b in both]
        return Drawn(tuple(lines), 3 + at, bad, left + 2, from_line)
    lines += [f" {line}" for line in (*expectation_lines(step, brief=True), *exchange_lines(step))]
    return Drawn(tuple(lines), 3 + at, bad)


def planned(story: Story) -> Sequence[StepRecord]:
    """The steps that are told of so far; while a run goes on, also those to come."""
    records = story.records
    if not story.running:
        return records
    done = {step.index for step in records}
    to_come = [
        StepRecord(index, name, TO_COME, StepState.SKIPPED)
        for index, name in enumerate(story.steps)
        if index not in done
    ]
    return (*records, *to_come)


def so_far(story: Story, run: str, steps: Sequence[StepRecord]) -> Execution:
    """An execution that is not over yet."""
    return Execution(
        environment=story.environment,
        journey=story.journey,
        component=story.component,
        region=story.region,
        run=run,
        id="",
        account="",
        trace="",
        started=0.0,
        took_s=0.0,
        result=Result.INCONCLUSIVE,
        reason="",
        cause=None,
        failed_step=None,
        steps=tuple(steps),
    )


def run_lines(story: Story, command: str) -> list[str]:
    """What will run, before it does."""
    steps = ", ".join(story.steps)
    return [
        f"Run {story.journey} in {story.region} of {story.environment} now, once?",
        "",
        f"{story.title}: {len(story.steps)} steps as a synthetic customer ({steps}).",
        "What a step changes is taken back at the end, and proven.",
        "",
        f"$ {command}",
    ]


def twin_line(story: Story, view: View) -> str:
    """The command that shows the same."""
    words = f"keelwatch probe show {story.journey} --region {story.region} --env {story.environment}"
    shown = story.shown
    chosen = f" --run-id {shown.id}" if shown is not None and shown.id and not story.is_newest else ""
    return f"({words}{chosen}{' --diff' if view.mode is Mode.DIFF else ''})"


def planned_lines(story: Story) -> list[str]:
    return ["It will do:", *(f"  {number} {name}" for number, name in enumerate(story.steps, 1))]


def expectation_lines(step: StepRecord, *, brief: bool = False) -> list[str]:
    """What was wanted of the step and what came, what went wrong first; then what it captured.

    `brief`: a line for each expectation, where there is little room.
    """
    lines = ["EXPECTED AND FOUND"]
    if step.reason and not brief:
        lines.append(f"  {step.reason}{f' [{step.cause}]' if step.cause else ''}")
    for check in sorted(step.checks, key=lambda one: one.ok):
        if check.ok:
            lines.append(f"  ok  {check.what}: {check.found}")
        elif brief:
            lines.append(f"  !!  {check.what}: want {check.expected}, got {check.found}")
        else:
            lines += [f"  !!  {check.what}", f"      want {check.expected}", f"      got  {check.found}"]
    if not step.checks:
        lines.append("  nothing was checked" if step.state is not StepState.SKIPPED else "  not made")
    if step.lag is not None:
        lines.append(f"  lag {step.lag.name}: {step.lag.lower_s:.2f} to {step.lag.upper_s:.2f} s")
    if step.captured:
        lines.append("CAPTURED")
        lines += [f"  {name} = {value}" for name, value in step.captured.items()]
    lines += [f"  retried: {reason}" for reason in step.retries]
    return lines


def exchange_lines(step: StepRecord) -> list[str]:
    """The response, the part of the exchange that tells most, then the request."""
    if step.exchange is None:
        return ["RESPONSE", "  none kept"]
    head, _, body = step.exchange.response.partition("\n\n")
    response = [*head.splitlines()[:1], *body_lines(body), *head.splitlines()[1:]]
    return [
        "RESPONSE",
        *(f"  {line}" for line in response or ["none"]),
        "REQUEST",
        *(f"  {line}" for line in step.exchange.request.splitlines()),
    ]


def step_lines(step: StepRecord) -> list[str]:
    """Everything of one step: what the dialog shows."""
    lines = [
        f"{step.index + 1} {step.name}   {status(step)}   {checked(step)}   {step.took_ms:.0f} ms",
        phase_line(step),
        "",
    ]
    for hop in step.hops:
        times = "  ".join(f"{name} {value:.1f}" for name, value in hop.phases.items())
        lines += [f"{hop.method} {hop.url}", f"  {hop.status or 'no answer'} | {times} ms"]
        lines.append(
            "  " + " | ".join(part for part in (hop.address, hop.http, hop.tls, hop.tls_serial) if part)
        )
    lines += ["", *expectation_lines(step), "", *exchange_lines(step)]
    if step.exchange is not None:
        lines += ["CURL", f"  {step.exchange.curl}"]
    return lines


def _history(story: Story, view: View, now: float) -> Drawn:
    if not story.past:
        return Drawn((f" {outcome_line(story, now)}",))
    lines = [
        f" The last {KEPT}, newest first; enter opens one",
        "  AGO      AT          RESULT          TOOK",
    ]
    for row, past in enumerate(story.past):
        cause, mark = story.causes.get(past.id, ""), ">" if row == view.row else " "
        at, result = numbers.clock(past.started), WORDS[past.result]
        here = " <- shown" if story.shown is not None and past.id == story.shown.id else ""
        lines.append(
            f"{mark} {numbers.length(now - past.started):<8} "
            f"{at:<11} {result:<13} {took(past.took_s):>6}  {cause}{here}"
        )
    bad = tuple(2 + row for row, past in enumerate(story.past) if past.result is Result.FAIL)
    return Drawn(tuple(lines), 2 + min(view.row, len(story.past) - 1), bad)


def _compare(story: Story, view: View, now: float) -> Drawn:
    """The newest of each region beside each other, step by step; as many regions as fit."""
    if not story.regions:
        return Drawn((f" {outcome_line(story, now)}",))
    name = 24 if view.is_wide else 18
    room = max(24, (view.width - 3 - name) // max(1, min(len(story.regions), 4)))
    shown = list(story.regions.items())[: max(1, (view.width - 3 - name) // room)]
    lines = [" Regions beside each other, the newest of each; times in ms"]
    lines.append("  " + " " * name + "".join(f"{_fit(region.upper(), room)}" for region, _ in shown))
    lines.append("  " + _fit("result", name) + "".join(_fit(_result(one, now), room) for _, one in shown))
    for index, step in _names(story):
        told = [_fit(_in_region(one, index), room) for _, one in shown]
        lines.append("  " + _fit(f"{index + 1} {step}", name) + "".join(told))
    lines.append(
        "  " + _fit("total", name) + "".join(_fit(f"{one.took_s * 1000:.0f}", room) for _, one in shown)
    )
    lines.append("  " + _fit("address", name) + "".join(_fit(_address(one), room) for _, one in shown))
    rest = len(story.regions) - len(shown)
    if rest:
        lines.append(f"  and {rest} regions more, which do not fit")
    return Drawn(tuple(line.rstrip() for line in lines))


def _names(story: Story) -> list[tuple[int, str]]:
    """Each step as it was called when it was made, else as the journey's file calls it."""
    made = {
        step.index: step.name
        for one in story.regions.values()
        for step in one.steps
        if step.state is not StepState.SKIPPED
    }
    return sorted({**dict(enumerate(story.steps)), **made}.items())


def _fit(text: str, width: int) -> str:
    return f"{text if len(text) < width else text[: width - 2] + '~':<{width}}"


def _result(one: Execution, now: float) -> str:
    return f"{WORDS[one.result]} {numbers.length(now - one.started)} ago"


def _in_region(one: Execution, index: int) -> str:
    step = next((step for step in one.steps if step.index == index), None)
    if step is None or step.state is StepState.SKIPPED:
        return "skipped"
    told = f"{step.took_ms:6.0f}  {status(step)}"
    return told if step.state is StepState.OK else f"{told} {checked(step)}"


def _address(one: Execution) -> str:
    return next((hop.address for step in one.steps for hop in step.hops if hop.address), "--")
