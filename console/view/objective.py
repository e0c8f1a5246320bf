"""One objective in detail as text: its budget, its window pairs, how the budget went."""

from __future__ import annotations

from collections.abc import Sequence

from console.view import numbers
from console.view.head import TREND_WORDS
from console.view.overview import NARROW, title
from console.view.plot import Axis, Charset, plot, with_scale
from console.view.world import World
from keelwatch.workspace.reading import Unknown, Value
from slo.budget import consumed_of, empty_at, forecast, incident_cost
from slo.reasons import Cause
from slo.snapshot import PERIOD, ObjectiveReading, PairReading, State

OUTCOMES = {"clear": "-- (clear)", "undecided": "UNDECIDED"}
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


def pair_lines(one: ObjectiveReading, width: int, now: float) -> list[str]:
    """The table of window pairs: what each asks, what both windows say, how long, what it would spend."""
    wide = width >= NARROW
    head = f"  {'WINDOW PAIR':<13}{'FACTOR':>8}{'LONG':>14}{'SHORT':>14}  {'BOTH OVER FOR':<15}{'RAISES':<8}"
    lines = [head + ("WOULD SPEND" if wide else "")]
    for pair in one.pairs:
        line = (
            f"  {pair.long + ' & ' + pair.short:<13}{pair.factor:>7.4g}x"
            f"{_over(pair, pair.long):>14}{_over(pair, pair.short):>14}"
            f"  {_both_over(pair, now):<15}{pair.severity.value:<8}"
        )
        lines.append(line + (f"{pair.budget_ratio * 100:g}% in {pair.long}" if wide else ""))
    return lines


def _both_over(pair: PairReading, now: float) -> str:
    """How long a pair has been critical; of the others whether they are clear or cannot be judged."""
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
    one: ObjectiveReading, past: Sequence[float | None], width: int, height: int, charset: Charset
) -> list[str]:
    """The plot of the budget over the period, the projection dotted."""
    period = numbers.length(one.period_s)[:3]
    if not any(value is not None for value in past):
        return [f"Budget burn-down {period}: no history yet"]
    ahead = forecast(one, max(2, int(len(past) * PROJECTION_SHARE / (1 - PROJECTION_SHARE))))
    series = [*past, *ahead]
    known = [value for value in series if value is not None]
    axis = Axis(min(0.0, *known), 1.0)
    share = len(past) / len(series)
    lines = plot(series, width - 6, height - 2, axis, charset, projected_from=share)
    labels = [f"{axis.high * 100:.0f}%", f"{axis.low * 100:.0f}%"]
    tail = f"now, then {numbers.length(one.empty_in_s or 0)} to empty" if ahead else "now"
    foot = f"{'':>5}-{period}{tail:>{max(0, width - 10)}}"
    return [f"Budget burn-down {period} (projection dotted)", *with_scale(lines, labels), foot[:width]]


def cause_lines(causes: Sequence[Cause] | None) -> list[str]:
    """What the bad events of the last 15 minutes share; None while the question is under way."""
    if causes is None:
        return ["Bad events, last 15m: asking ..."]
    if not causes:
        return ["Bad events, last 15m: none told apart"]
    most = max(cause.events for cause in causes)
    lines = ["Bad events, last 15m, by what they share"]
    for cause in causes:
        name = " ".join(f"{label}={value}" for label, value in cause.labels.items()) or "no label tells"
        lines.append(
            f"  {name:<30.30} {numbers.count(cause.events):>8}  {numbers.bar(cause.events / most, 12)}"
        )
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
