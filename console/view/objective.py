"""One objective in detail as text: its budget, its window pairs, how the budget went."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from console.view import numbers
from console.view.columns import NARROW
from console.view.head import TREND_WORDS
from console.view.overview import title
from console.view.plot import Axis, Charset, plot, with_scale
from console.view.world import World
from keelwatch.workspace.reading import Unknown, Value
from slo.budget import consumed_of, empty_at, forecast, incident_cost
from slo.reasons import Cause
from slo.snapshot import PERIOD, ObjectiveReading, PairReading, State

OUTCOMES = {"clear": "-- (clear)", "undecided": "UNDECIDED"}
LEFT_OUT = {"clear": "--", "undecided": "?", "critical": "OVER"}
SCALE = 6  # columns left of the plot
MOST_CAUSES = 6
WIDE_CAUSES = 54
PROJECTION_SHARE = 0.2  # how much of the plot's width is the forecast, when there is one


def heading(one: ObjectiveReading, world: World, width: int) -> str:
    since = f" since {numbers.hour_minute(one.since, world.now)}" if one.since is not None else ""
    state = f"{'was ' if world.stale else ''}{one.state.upper()}{since}"
    if width < NARROW:
        return f"SLO  {title(one)}   {state}"
    target = f"target {one.target * 100:.6g} over {numbers.length(one.period_s)[:3]}"
    owner = world.owners.get(one.component, "")
    return f"Overview > SLO  {title(one)}   {target}   {one.component} {owner}".rstrip() + f"   {state}"


def budget_line(one: ObjectiveReading, width: int, now: float) -> str:
    """How much is left, as a share and as time of full outage, and when it is gone at which rate; where
    there is room, what the incident has cost so far."""
    outage = " of outage" if width >= NARROW else ""
    whole = (1 - one.target) * one.period_s
    match one.budget_remaining:
        case Unknown(reason=reason):
            return f"Budget unknown: {reason}"
        case Value(value=left, partial=partial):
            parts = [
                f"Budget {numbers.percent(left)} left = {_outage(left * whole)} of {_outage(whole)}{outage}"
            ]
            if partial:
                parts.append("history shorter than the window")
    rates = [text for window in ("1h", "5m") if (text := _empty_at(one, window))]
    if one.empty_in_s == 0:
        parts.append("budget EMPTY")
    else:
        parts.append(f"empty in {', '.join(rates)} rate" if rates else "not emptying at the present rate")
    cost = incident_cost(one, now)
    if cost is not None and width >= NARROW:
        parts.append(f"this incident at most {numbers.percent(cost[1])} ({cost[0]})")
    return " | ".join(parts)


def _outage(seconds: float) -> str:
    sign = "-" if seconds < 0 else ""
    minutes, rest = divmod(int(abs(seconds)), 60)
    return f"{sign}{minutes}m{rest:02}s" if minutes else f"{sign}{rest}s"


def _empty_at(one: ObjectiveReading, window: str) -> str | None:
    seconds = empty_at(one, window)
    return f"{numbers.length(seconds)} @{window}" if seconds else None


def pair_lines(one: ObjectiveReading, width: int, now: float, left_out: Collection[str] = ()) -> list[str]:
    """The table of window pairs: what each asks, what both windows say, how long, what it would spend.

    `left_out` names pairs, by their long window, that the operator has taken out of the plot.
    """
    wide = width >= NARROW
    head = f"  {'WINDOW PAIR':<13}{'FACTOR':>8}{'LONG':>14}{'SHORT':>14}  {'BOTH OVER FOR':<15}{'RAISES':<8}"
    lines = [head + ("WOULD SPEND" if wide else "")]
    for pair in one.pairs:
        line = (
            f"  {pair.long + ' & ' + pair.short:<13}{pair.factor:>7.4g}x"
            f"{_over(pair, pair.long):>14}{_over(pair, pair.short):>14}"
            f"  {_both_over(pair, now, left_out):<15}{pair.severity.value:<8}"
        )
        lines.append(line + (f"{pair.budget_ratio * 100:g}% in {pair.long}" if wide else ""))
    return lines


def _both_over(pair: PairReading, now: float, left_out: Collection[str]) -> str:
    """How long a pair has been critical; of the others whether they are clear or cannot be judged."""
    if pair.long in left_out:
        return f"{LEFT_OUT[pair.outcome]} excluded"
    if pair.outcome != "critical":
        return OUTCOMES[pair.outcome]
    return numbers.length(now - pair.since) if pair.since is not None else "yes"


def _over(pair: PairReading, window: str) -> str:
    reading = pair.long_burn if window == pair.long else pair.short_burn
    over = isinstance(reading, Value) and reading.value > pair.factor
    return f"{numbers.burn(reading)}{' OVER' if over else '     '}"


def window_lines(one: ObjectiveReading) -> list[str]:
    """Counts behind each window; a window without a number says why."""
    lines = [f"  {'WINDOW':<8}{'BURN':>8}{'BAD':>12}{'TOTAL':>14}{'BAD %':>10}{'OF BUDGET':>11}"]
    for window, reading in one.burn.items():
        name = numbers.length(one.period_s)[:3] if window == PERIOD else window
        match reading:
            case Unknown(reason=reason):
                lines.append(f"  {name:<8}{'?':>8}  {reason}")
            case Value():
                counts = one.counts.get(window)
                bad, total = (
                    (numbers.count(counts.bad), numbers.count(counts.total)) if counts else ("?", "?")
                )
                ratio = numbers.percent(counts.bad / counts.total, 3) if counts and counts.total else "?"
                part = "  partial" if reading.partial else ""
                spent = numbers.budget(consumed_of(one, window))
                burn = numbers.burn(reading)
                lines.append(f"  {name:<8}{burn:>8}{bad:>12}{total:>14}{ratio:>10}{spent:>11}{part}")
    return lines


def burn_down_lines(
    one: ObjectiveReading,
    past: Sequence[float | None],
    now: float,
    *,
    width: int,
    height: int,
    charset: Charset,
    left_out: Collection[str] = (),
    moment: str = "now",
) -> list[str]:
    """`height` lines: the budget over the period, up to `moment`, and the projection dotted. `^` below is
    where a pair that is critical became so.

    A pair that is `left_out` has no mark, and takes along the projection that goes on with its long window.
    """
    period = numbers.length(one.period_s)[:3]
    if not any(value is not None for value in past):
        return [f"Budget burn-down {period}: no history yet"]
    steps = max(2, int(len(past) * PROJECTION_SHARE / (1 - PROJECTION_SHARE)))
    ahead = [] if one.empty_basis in left_out else forecast(one, steps)
    series = [*past, *ahead]
    axis = Axis(min(0.0, *(value for value in series if value is not None)), 1.0)
    share = len(past) / len(series)
    marks = _marks(one, now, int((width - SCALE) * share), left_out)
    rows = height - 2 - bool(marks)
    lines = plot(series, width - SCALE, rows, axis, charset, projected_from=share)
    labels = [f"{axis.high * 100:.0f}%", f"{axis.low * 100:.0f}%"]
    tail = f"{moment}, then {numbers.length(one.empty_in_s or 0)} to empty" if ahead else moment
    foot = f"{'':>5}-{period}{tail:>{max(0, width - 10)}}"[:width]
    title = f"Budget burn-down {period}{' (projection dotted)' if ahead else ''}"
    return [title, *with_scale(lines, labels), *([marks[:width]] if marks else []), foot]


def _marks(one: ObjectiveReading, now: float, columns: int, left_out: Collection[str]) -> str:
    """`^` below the columns in which the pairs that are critical became so, and which pairs these are."""
    shown = [pair for pair in one.pairs if pair.since is not None and pair.long not in left_out]
    note = f"{'':>{SCALE}}excluded: {', '.join(left_out)} (view only)" if left_out else ""
    if not shown:
        return note
    ages = [(now - (pair.since or now)) / one.period_s for pair in shown]
    at = {max(0, min(columns - 1, int((1 - age) * columns))) for age in ages}
    row = "".join("^" if column in at else " " for column in range(min(at), columns))
    words = f"over: {', '.join(f'{pair.long} & {pair.short}' for pair in shown)} "
    return f"{note:<{max(0, SCALE + min(at) - len(words))}}{words}{row}"


def cause_lines(causes: Sequence[Cause] | None, width: int = WIDE_CAUSES, by: str | None = None) -> list[str]:
    """What the bad events of the last 15 minutes share, or how they split by one label; None while the
    question is under way."""
    if causes is None:
        return ["Bad events, last 15m: asking ..."]
    title = f"Bad events, last 15m, by {by or 'what they share'}"
    if not causes:
        return [title, "  none told apart"]
    most = max(cause.events for cause in causes)
    bar = 12 if width >= WIDE_CAUSES else 8
    room = width - bar - 13
    lines = [title]
    for cause in causes[:MOST_CAUSES]:
        name = " ".join(f"{label}={value}" for label, value in cause.labels.items()) or "no label tells"
        share = numbers.bar(cause.events / most, bar)
        lines.append(f"  {name:<{room}.{room}} {numbers.count(cause.events):>8}  {share}")
    if len(causes) > MOST_CAUSES:
        lines.append(f"  ... and {len(causes) - MOST_CAUSES} smaller ones")
    return lines


def state_sentence(one: ObjectiveReading) -> str:
    """Why this state: the pair that decides it, in words."""
    if one.state is State.UNKNOWN:
        return f"UNKNOWN: {one.unknown_reason or 'no reason given'}"
    critical = [pair for pair in one.pairs if pair.outcome == "critical"]
    if not critical:
        return f"No pair has both windows over its factor; {TREND_WORDS[one.trend]}"
    pair = critical[0]
    long, short = numbers.burn(pair.long_burn), numbers.burn(pair.short_burn)
    rates = f"{long} over {pair.long} and {short} over {pair.short}, both above {pair.factor:g}x"
    return f"{pair.severity.upper()}, {TREND_WORDS[one.trend]}: {rates}"
