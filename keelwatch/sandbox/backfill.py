"""The history a sandbox is born with: 35 days of a portal that mostly worked.

    python -m keelwatch.sandbox.backfill FOLDER PROMTOOL TSDB UNTIL

Metric names and labels are those of the living portal (but for `_count`), plus `backfill="true"`. Samples
stand at multiples of 300 s, and of 15 s in the last 6 hours; none is later than UNTIL (Unix s). The same
seed and UNTIL give the same samples.
"""

from __future__ import annotations

import math
import os
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from pathlib import Path
from typing import TextIO

from keelwatch.sandbox.layout import load
from keelwatch.sandbox.portal.routes import EVERY, ROUTES, audience
from keelwatch.sandbox.ports import REGIONS

DAY = 86_400
COARSE_S = 300
FINE_S = 15
FINE_HISTORY_S = 6 * 3600
# One of the block lengths of promtool (2 h times a power of 3). A file that spans two is read once for each.
BLOCK_S = 162 * 3600
MOST_SERIES = 300

# Mean requests per second in both regions together: three quarters of what the background customers make
# at 20/s, so that a fault of 90 s outweighs the hour before it at any time of day (1 h window, factor 14.4).
RATES = {"login": 3.5, "session": 1.25, "lookup": 4.95, "invoices": 1.25, "plan-change": 0.55, "logout": 3.5}
# Share of requests that fail on an ordinary day.
ERRORS = {
    "login": 1.5e-4,
    "session": 1e-4,
    "lookup": 1.2e-4,
    "invoices": 1.8e-4,
    "plan-change": 2e-4,
    "logout": 1e-4,
}
# Share of requests answered within `le` seconds on an ordinary day.
WITHIN = {"0.1": 0.9965, "0.25": 0.9993, "0.5": 0.99975, "1.0": 0.99993}
AUDIENCE_SHARES = {
    ("home", "web"): 0.48,
    ("home", "app"): 0.32,
    ("business", "web"): 0.12,
    ("business", "app"): 0.08,
    ("staff", "agent"): 0.25,
}

JOURNEYS = (
    *dict.fromkeys(route.journey for route in EVERY.values()),
    *("v1-client", "recovery-enumeration", "idempotency-replay"),
)
# All ten with a histogram would be more series than a start has time for.
TIMED_JOURNEYS = ("log-in", "view-invoices", "change-plan", "look-up-account", "recover-password")
PROBE_FAILURES = 2e-4
PROBE_WITHIN = {"0.5": 0.93, "1": 0.985, "2.5": 0.9985, "5": 0.9997, "10": 0.99985}


@dataclass(frozen=True, slots=True)
class Incident:
    """`errors` and `slow` are shares of the route's requests in the region while it lasted."""

    days_ago: float
    minutes: float
    region: str
    route: str
    errors: float
    slow: float = 0.0


# Old enough that no ticket window (3 days) still sees one.
INCIDENTS = (
    Incident(26.4, 14, "west", "invoices", errors=0.45, slow=0.5),
    Incident(19.2, 8, "east", "login", errors=0.6),
    Incident(12.7, 25, "west", "lookup", errors=0.02, slow=0.25),
    Incident(12.7, 25, "east", "lookup", errors=0.02, slow=0.25),
    Incident(5.3, 10, "west", "plan-change", errors=0.35),
)


@dataclass(frozen=True, slots=True)
class Course:
    """How one route fared in one region: cumulative numbers of requests at each time."""

    region: str
    route: str
    total: Sequence[float]
    bad: Sequence[float]
    slow: Sequence[float]


@dataclass(frozen=True, slots=True)
class Series:
    """One series in exposition format: its name with labels, and its value at each time."""

    head: str
    values: Sequence[float]


def times(until: float, days: float) -> list[int]:
    """When there are samples, in order: from `days` back up to `until`."""
    fine_from = math.ceil((until - FINE_HISTORY_S) / COARSE_S) * COARSE_S
    first = min(fine_from, math.ceil((until - days * DAY) / COARSE_S) * COARSE_S)
    return [*range(first, fine_from, COARSE_S), *range(fine_from, int(until) + 1, FINE_S)]


def courses(seed: int, at: Sequence[int], until: float) -> Iterator[Course]:
    """All routes of all regions, in a fixed order."""
    for region in REGIONS:
        traffic = list(_traffic(seed, region, at))
        for route, rate in RATES.items():
            happened = [each for each in INCIDENTS if (each.region, each.route) == (region, route)]
            yield _course(
                region, route, [share * rate / len(REGIONS) for share in traffic], happened, at, until
            )


def _traffic(seed: int, region: str, at: Sequence[int]) -> Iterator[float]:
    """Seconds' worth of average traffic between each time and the one before: the day's and week's curve
    with some noise. The east lives three hours earlier."""
    chance = random.Random(f"{seed}/{region}")  # noqa: S311 a repeatable history, not a secret
    ahead_s = 3 * 3600 if region == "east" else 0
    yield 0.0
    for before, now in pairwise(at):
        local = now + ahead_s
        hour = (local % DAY) / 3600
        day = 1 + 0.45 * math.sin((hour - 10) * math.pi / 12) + 0.1 * math.sin((hour - 7) * math.pi / 6)
        week = 0.85 if (local // DAY + 3) % 7 >= 5 else 1.06
        yield (now - before) * day * week * max(0.5, chance.gauss(1.0, 0.04))


def _course(
    region: str,
    route: str,
    made: Sequence[float],
    happened: Sequence[Incident],
    at: Sequence[int],
    until: float,
) -> Course:
    bad = [requests * ERRORS[route] for requests in made]
    slow = [0.0] * len(made)
    for incident in happened:
        begin = until - incident.days_ago * DAY
        for index, share in _overlap(at, begin, begin + incident.minutes * 60):
            bad[index] += made[index] * share * incident.errors
            slow[index] += made[index] * share * incident.slow
    return Course(region, route, list(accumulate(made)), list(accumulate(bad)), list(accumulate(slow)))


def _overlap(at: Sequence[int], begin: float, end: float) -> Iterator[tuple[int, float]]:
    """The steps that [begin, end) touches, and the share of each that it covers."""
    for index, (before, now) in enumerate(pairwise(at), 1):
        covered = min(now, end) - max(before, begin)
        if covered > 0:
            yield index, covered / (now - before)


def series_of(course: Course) -> Iterator[Series]:
    """The counters per audience and code, then the histogram.

    The few errors all stand under the first audience: every series costs a fiftieth of a second at `up`.
    """
    row = ROUTES[course.route]
    who = audience(row)
    whole = sum(AUDIENCE_SHARES[each] for each in who)
    for segment, channel in who:
        good_share = AUDIENCE_SHARES[segment, channel] / whole
        bad_share = 1.0 if (segment, channel) == who[0] else None
        for code, share in (("200", good_share), ("503", bad_share)):
            if share is None:
                continue
            head = _head(
                "portal_requests_total",
                region=course.region,
                route=row.label,
                method=row.method,
                code=code,
                version=row.version,
                journey=row.journey,
                segment=segment,
                channel=channel,
                traffic="real",
            )
            yield Series(head, _counts(course, code, share))
    yield from _histogram(course)


def _counts(course: Course, code: str, share: float) -> list[float]:
    if code == "503":
        return [int(bad * share) for bad in course.bad]
    return [int((total - bad) * share) for total, bad in zip(course.total, course.bad, strict=True)]


def _histogram(course: Course) -> Iterator[Series]:
    row = ROUTES[course.route]
    common = {"region": course.region, "route": row.label, "version": row.version, "traffic": "real"}
    for le, within in WITHIN.items():
        pairs = zip(course.total, course.slow, strict=True)
        yield Series(
            _head("portal_request_seconds_bucket", **common, le=le),
            [int((total - slow) * within) for total, slow in pairs],
        )
    # No `_count`: it would say once more what the last bucket says, and each series costs the start 20 ms.
    yield Series(
        _head("portal_request_seconds_bucket", **common, le="+Inf"), [int(one) for one in course.total]
    )


def probe_series(seed: int, region: str, at: Sequence[int]) -> Iterator[Series]:
    """One execution a minute of each journey, next to all of which pass."""
    for journey in JOURNEYS:
        chance = random.Random(f"{seed}/{region}/{journey}")  # noqa: S311 a repeatable history, not a secret
        runs = [(second - at[0]) // 60 for second in at]
        made = [0, *(now - before for before, now in pairwise(runs))]
        fails = list(accumulate(sum(chance.random() < PROBE_FAILURES for _ in range(new)) for new in made))
        common = {"journey": journey, "region": region}
        passed = [run - fail for run, fail in zip(runs, fails, strict=True)]
        for result, values in (("pass", passed), ("fail", fails)):
            yield Series(_head("keelwatch_probe_runs_total", **common, result=result), values)
        if journey in TIMED_JOURNEYS:
            yield from _probe_histogram(common, runs)


def _probe_histogram(common: Mapping[str, str], runs: Sequence[int]) -> Iterator[Series]:
    for le, within in PROBE_WITHIN.items():
        yield Series(
            _head("keelwatch_probe_seconds_bucket", **common, le=le), [int(run * within) for run in runs]
        )
    yield Series(_head("keelwatch_probe_seconds_bucket", **common, le="+Inf"), runs)


def _head(metric: str, **labels: str) -> str:
    pairs = ",".join(f'{name}="{value}"' for name, value in labels.items())
    return f'{metric}{{{pairs},backfill="true"}} '


def all_series(seed: int, at: Sequence[int], until: float) -> list[Series]:
    found = [series for course in courses(seed, at, until) for series in series_of(course)]
    found += [series for region in REGIONS for series in probe_series(seed, region, at)]
    assert len(found) <= MOST_SERIES
    return found


def write(file: TextIO, series: Iterable[Series], at: Sequence[int], part: slice) -> None:
    """OpenMetrics text of the samples in `part` of the times."""
    stamps = [f" {second}\n" for second in at[part]]
    for each in series:
        head = each.head
        file.write(
            "".join([f"{head}{value}{stamp}" for value, stamp in zip(each.values[part], stamps, strict=True)])
        )
    file.write("# EOF\n")


def parts(at: Sequence[int]) -> list[slice]:
    """The times cut where promtool's blocks end, so that each file is loaded in one pass."""
    cuts = [0, *(i for i in range(1, len(at)) if at[i] // BLOCK_S != at[i - 1] // BLOCK_S), len(at)]
    return [slice(begin, end) for begin, end in pairwise(cuts)]


def load_history(folder: Path, promtool: str, tsdb: Path, until: float) -> None:
    """Write the history of the sandbox in `folder` into the (new) database `tsdb`.

    Raises `subprocess.CalledProcessError` when promtool refuses it.
    """
    layout = load(folder)
    at = times(until, layout.history_days)
    series = all_series(layout.seed, at, until)
    tsdb.mkdir(parents=True, exist_ok=True)
    loaders = []
    for number, part in enumerate(parts(at)):
        path = folder / "data" / f"backfill-{number}.txt"
        with path.open("w") as file:
            write(file, series, at, part)
        loaders.append((path, _loader(promtool, path, tsdb)))
    for path, loader in loaders:
        output, _ = loader.communicate(timeout=60)
        path.unlink()
        if loader.returncode != 0:
            sys.stderr.write(output.decode(errors="replace"))
            raise subprocess.CalledProcessError(loader.returncode, promtool)


def _loader(promtool: str, path: Path, tsdb: Path) -> subprocess.Popen[bytes]:
    """The hidden flag makes this a matter of seconds: by default 360 blocks each read the whole file."""
    command = [promtool, "tsdb", "create-blocks-from", f"--max-block-duration={BLOCK_S // 3600}h"]
    return subprocess.Popen(
        [*command, "openmetrics", str(path), str(tsdb)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | {"TMPDIR": str(path.parent), "GOGC": "400"},
    )


if __name__ == "__main__":
    load_history(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), float(sys.argv[4]))
