"""Thirty-five days of made-up series, each with one trouble of the trap list, and one that is well.

Every series grows by one event per second unless it says otherwise. Samples stand every 5 minutes, and
every 15 seconds in the last 6 hours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from slo.windows import DAY_S, HOUR_S

BEGIN = 1_767_225_600
END = BEGIN + 35 * DAY_S
FINE = END - 6 * HOUR_S
WEIRD = 'a"b\\c|.*é'

Course = Callable[[int], float | None]
"""The value at a time; None for no sample."""


def times() -> list[int]:
    return [*range(BEGIN, FINE, 300), *range(FINE, END + 1, 15)]


def steady(at: int) -> float:
    return float(at - BEGIN)


def never(_at: int) -> float:
    return 0.0


def since(onset_s: int, rate: float) -> Course:
    """Nothing until `onset_s` before the end, then `rate` per second."""
    return lambda at: max(0.0, (at - END + onset_s) * rate)


def rush(at: int) -> float:
    """One event in 20 s, and five per second in the last two minutes: customers have just been let in."""
    return (at - BEGIN) * 0.05 + max(0, at - END + 120) * 5.0


def relapse(at: int) -> float:
    """All fail for 20 minutes, three hours ago, and again in the last 20 minutes."""
    first = min(max(0, at - (END - 3 * HOUR_S)), 1200)
    return float(first + max(0, at - (END - 1200)))


def reset(at: int) -> float:
    """Starts again from 0 half an hour before the end."""
    return float(at - BEGIN) if at < END - 1800 else float(at - (END - 1800))


def silent(at: int) -> float:
    """Nobody came in the last 90 minutes."""
    return float(min(at, END - 5400) - BEGIN)


def ended(at: int) -> float | None:
    """Its last sample is 200 s old."""
    return float(at - BEGIN) if at <= END - 200 else None


def gone(at: int) -> float | None:
    """Its last sample is an hour old: nothing within the server's lookback."""
    return float(at - BEGIN) if at <= END - 3600 else None


def young(at: int) -> float | None:
    return float(at - BEGIN) if at >= END - 2 * DAY_S else None


def holed(at: int) -> float | None:
    """The source was away for twelve hours, ten days ago."""
    return None if END - 10 * DAY_S < at < END - 10 * DAY_S + 12 * HOUR_S else float(at - BEGIN)


def poisoned(at: int) -> float:
    """Not a number, two days ago, for an hour."""
    return float("nan") if END - 2 * DAY_S < at < END - 2 * DAY_S + HOUR_S else float(at - BEGIN)


def sour(at: int) -> float:
    """Not a number just now. (In the middle of a window the server itself looks over it.)"""
    return float("nan") if at > END - 15 else float(at - BEGIN)


def minutely(at: int) -> float | None:
    """Scraped once a minute, off the full minute."""
    return float(at - BEGIN) if at < FINE or at % 60 == 15 else None


SERIES: dict[str, dict[str, Course]] = {
    "all": {
        'job="well"': steady,
        'job="outage",region="west"': steady,
        'job="outage",region="east"': steady,
        'job="trickle"': steady,
        'job="rush"': rush,
        'job="relapse"': steady,
        'job="reset"': reset,
        'job="silent"': silent,
        'job="ended"': ended,
        'job="gone"': gone,
        'job="young"': young,
        'job="holed"': holed,
        'job="poisoned"': poisoned,
        'job="sour"': sour,
        'job="minutely"': minutely,
        'job="unborn"': steady,
        'job="a\\"b\\\\c|.*é"': steady,
    },
    "bad": {
        'job="well"': never,
        'job="outage",region="west"': since(1800, 0.05),
        'job="outage",region="east"': never,
        'job="trickle"': since(5 * DAY_S, 0.0035),
        'job="rush"': since(65, 5.0),
        'job="relapse"': relapse,
        'job="reset"': never,
        'job="silent"': never,
        'job="ended"': never,
        'job="gone"': never,
        'job="young"': since(DAY_S, 0.0005),
        'job="holed"': never,
        'job="poisoned"': never,
        'job="minutely"': since(3 * HOUR_S, 0.01),
        'job="a\\"b\\\\c|.*é"': never,
    },
    "seconds_bucket": {
        'job="go",le="1"': lambda at: (at - BEGIN) * 0.999,
        'job="python",le="1.0"': lambda at: (at - BEGIN) * 0.999,
        'job="both",pod="a",le="1"': lambda at: (at - BEGIN) * 0.5,
        'job="both",pod="b",le="1.0"': lambda at: (at - BEGIN) * 0.499,
        'job="coarse",le="0.5"': steady,
        'job="go",le="+Inf"': steady,
        'job="python",le="+Inf"': steady,
        'job="both",pod="a",le="+Inf"': lambda at: (at - BEGIN) * 0.5,
        'job="both",pod="b",le="+Inf"': lambda at: (at - BEGIN) * 0.5,
        'job="coarse",le="+Inf"': steady,
    },
}


def lines() -> Iterator[str]:
    every = times()
    for metric, series in SERIES.items():
        name, kind = (metric, "unknown") if metric.endswith("_bucket") else (f"{metric}_total", "counter")
        yield f"# TYPE {metric} {kind}\n"
        for labels, course in series.items():
            for at in every:
                if (value := course(at)) is not None:
                    yield f"{name}{{{labels}}} {value:.6f} {at}\n"
