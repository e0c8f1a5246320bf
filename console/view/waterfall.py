"""The steps of an execution as bars over time, and what each was checked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from console.view.columns import NARROW, Column
from probes.record import PHASES, Hop, StepRecord, StepState

NICE = (1, 2, 5)
LEAST_SPAN_MS = 50.0
SHORTEST_WAIT_S = 0.5
TICKS = {True: 4, False: 2}  # by whether it is wide
TO_COME = "to come"  # the action of a step of a run that has not got there
SHORT = {"connect": "tcp", "receive": "body"}


@dataclass(frozen=True, slots=True)
class Layout:
    step: Column
    axis: int
    status: Column
    check: Column
    against: Column


WIDE = Layout(
    Column("step", "STEP", 27),
    40,
    Column("status", "STATUS", 9),
    Column("check", "CHECK", 26),
    Column("against", "vs median", 11, right=True),
)
SMALL = Layout(
    Column("step", "STEP", 20),
    18,
    Column("status", "STATUS", 8),
    Column("check", "CHECK", 18),
    Column("against", "vs median", 10, right=True),
)


def layout(width: int) -> Layout:
    return WIDE if width >= NARROW else SMALL


def waterfall(
    steps: Sequence[StepRecord], medians: Mapping[int, float], width: int, cursor: int | None = None
) -> list[str]:
    """A header with the time's scale, and a line for each step; `>` marks the one at `cursor`. Waits that are
    nobody's time are no part of the scale; a bar says how long the one in it was."""
    columns = layout(width)
    steps = unhurried(steps)
    span = span_ms(steps)
    scale = _scale(span, columns.axis, ticks=TICKS[width >= NARROW])
    titles = "".join(column.fit(column.title) for column in (columns.status, columns.check, columns.against))
    broke_at = _broke_at(steps)
    lines = [f"  {columns.step.fit(columns.step.title)}{scale}  {titles}"]
    for row, step in enumerate(steps):
        mark = ">" if row == cursor else " "
        lines.append(f"{mark} {_line(step, medians, columns, span, broke_at)}".rstrip())
    return lines


def unhurried(steps: Sequence[StepRecord]) -> list[StepRecord]:
    """Each as early as if nobody had waited for the turn of a one-time code: half a minute of waiting would
    leave all bars one column."""
    found, waited_ms = [], 0.0
    for step in sorted(steps, key=lambda one: one.index):
        found.append(replace(step, started_ms=max(0.0, step.started_ms - waited_ms)))
        waited_ms += step.waited_s * 1000
    return found


def span_ms(steps: Sequence[StepRecord]) -> float:
    """A round number of milliseconds in which every step has ended."""
    end = max((step.started_ms + step.took_ms for step in steps), default=0.0)
    end = max(end, LEAST_SPAN_MS)
    power = 10.0
    while True:
        for nice in NICE:
            if nice * power >= end:
                return nice * power
        power *= 10


def _scale(span: float, axis: int, *, ticks: int) -> str:
    """`0ms   500   1000`: each label ends where its tick is."""
    scale = [" "] * axis
    scale[0:3] = "0ms"
    for tick in range(1, ticks + 1):
        label, end = f"{span * tick / ticks:g}", round(axis * tick / ticks)
        scale[end - len(label) : end] = label
    return "".join(scale)


def bar(step: StepRecord, span: float, axis: int) -> str:
    """`|===|` from when it began to when it ended; `|` where it was shorter than a column. `wait 21s` beside
    it, where there is room: so long it waited besides."""
    if step.state is StepState.SKIPPED:
        return " " * axis
    first = min(axis - 1, int(step.started_ms / span * axis))
    last = max(first, min(axis - 1, round((step.started_ms + step.took_ms) / span * axis) - 1))
    drawn = "|" + "=" * (last - first - 1) + "|" if last > first else "|"
    line = (" " * first + drawn).ljust(axis)
    if step.waited_s < SHORTEST_WAIT_S:
        return line
    mark = f"wait {step.waited_s:.0f}s"
    end = first + len(drawn)
    if end + 1 + len(mark) <= axis:
        return f"{line[: end + 1]}{mark}".ljust(axis)
    return line if len(mark) + 1 > first else f"{line[: first - len(mark) - 1]}{mark}{line[first - 1 :]}"


def _line(
    step: StepRecord, medians: Mapping[int, float], columns: Layout, span: float, broke_at: int | None
) -> str:
    name = columns.step.fit(f"{step.index + 1} {step.name}")
    drawn = bar(step, span, columns.axis)
    if step.state is StepState.SKIPPED:
        after = f"skipped after step {broke_at + 1}" if broke_at is not None else "skipped"
        return f"{name}{drawn}  {TO_COME if step.action == TO_COME else after}"
    said = f"{columns.status.fit(status(step))}{columns.check.fit(checked(step))}"
    return f"{name}{drawn}  {said}{columns.against.fit(against(step, medians))}"


def _broke_at(steps: Sequence[StepRecord]) -> int | None:
    return next((step.index for step in steps if step.state is StepState.FAILED), None)


def status(step: StepRecord) -> str:
    """`200 ok`, `502 !!`; `-- !!` when no answer came."""
    code = str(step.hops[-1].status or "--") if step.hops else "--"
    return f"{code} {'ok' if step.state is StepState.OK else '!!'}"


def checked(step: StepRecord) -> str:
    """What was wrong; else how much was found as wanted."""
    bad = next((check for check in step.checks if not check.ok), None)
    if bad is not None:
        what = "" if bad.what == "status" else f"{bad.what} "
        return f"{what}want {bad.expected}, got {bad.found}"
    if step.state is StepState.FAILED:
        return step.reason or str(step.cause or "failed")
    if step.retries:
        return f"ok after {len(step.retries) + 1} attempts"
    match len(step.checks):
        case 0:
            return step.action
        case 1:
            return f"{step.checks[0].what} {step.checks[0].found}"
        case many:
            return f"{many} checks ok"


def against(step: StepRecord, medians: Mapping[int, float]) -> str:
    """`+12 ms`: how much longer than the median of the executions that passed."""
    if step.index not in medians:
        return "--"
    return f"{round(step.took_ms - medians[step.index]):+,} ms".replace(",", " ")


def phases(hops: Sequence[Hop]) -> dict[str, float]:
    """Milliseconds of each phase, of all hops of a step together."""
    return {
        phase: sum(hop.phases.get(phase, 0.0) for hop in hops)
        for phase in PHASES
        if any(phase in hop.phases for hop in hops)
    }


def phase_line(step: StepRecord) -> str:
    """`dns 2  tcp 11  tls 24  send 0  wait 1573  body 4 ms | 1 hop`."""
    if not step.hops:
        return (
            "no request was made" if step.state is StepState.SKIPPED else f"{step.action}: no request timed"
        )
    told = "  ".join(f"{SHORT.get(phase, phase)} {_ms(value)}" for phase, value in phases(step.hops).items())
    parts = [f"{told} ms", f"{len(step.hops)} hops" if len(step.hops) > 1 else "1 hop"]
    if all(hop.reused for hop in step.hops):
        parts.append("connection reused")
    if step.retries:
        parts.append(f"{len(step.retries)} retried")
    if any(hop.tainted for hop in step.hops):
        parts.append("times do not count: our loop was late")
    if step.waited_s:
        parts.append(f"waited {step.waited_s:.0f}s for its code")
    return " | ".join(parts)


def _ms(value: float) -> str:
    return f"{value:.1f}" if value < 10 else f"{value:.0f}"
