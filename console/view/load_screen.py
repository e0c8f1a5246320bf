"""One run of a load as text: how it stands, its curves, and what each request took. Pure."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from console.view import numbers
from console.view.columns import NARROW
from console.view.curves import Chart, Curve, chart
from console.view.limits import cut
from console.view.load_course import RECENT_S, Course, Quantiles, Step, Tick, TimesRow, minutes
from console.view.load_limits import limits_lines, so_far
from console.view.load_shelf import level_words
from console.view.plot import Charset
from keelwatch.runs import Phase

BETWEEN = " | "
BESIDE = 3  # columns of the scroll bar, and one that stays free
SMOOTH_S = 5
"""Arrivals scatter: the curve is of so many seconds."""
TALL = 30
UNCUT = 10_000  # columns
PLOT_TALL, PLOT_SHORT = 8, 4
MOST_REASONS = 3  # lines; enter shows all


class Tab(StrEnum):
    """What stands below the curves and the guard."""

    REQUESTS = "requests"
    JOURNEYS = "journeys"
    THRESHOLDS = "thresholds"
    ERRORS = "errors"

    def next(self) -> Tab:
        every = list(Tab)
        return every[(every.index(self) + 1) % len(every)]


@dataclass(frozen=True, slots=True)
class Drawn:
    """`bad` are the lines that say of something wrong; each bears a mark too. `plots` are those of the
    curves, with a divider at a column, and labels from `labels_at` on, of each half."""

    lines: list[str]
    bad: frozenset[int] = frozenset()
    plots: range = range(0)
    divider: int = 0
    labels_at: tuple[int, int] = (0, 0)


def heading(course: Course, width: int) -> str:
    """`Load > portal-baseline in sandbox   open, 4/s at most   run c493`"""
    level = f", {level_words(course.top, is_open=course.is_open)} at most" if course.is_planned else ""
    more = [
        f"   {course.model}{level}" if course.model else "",
        f"   run {course.run}",
        f"   {course.title}" if course.title else "",
    ]
    return numbers.fit(f"Load > {course.profile} in {course.environment}", more, width - 1)


def phase_words(course: Course, now: float) -> str:
    """One word or a few: `STARTING`, `RUNNING, warm-up`, `ENDED pass`."""
    if course.is_over:
        return f"ENDED {course.verdict.outcome}" if course.verdict else "DIED"
    if course.phase is not Phase.RUNNING:
        return course.phase.upper()
    if course.began is None:
        return "STARTING"
    elapsed = course.elapsed_s(now)
    if course.is_search:
        return "SEARCHING"
    if elapsed >= course.length_s:
        return "ENDING"
    return "RUNNING, warm-up" if elapsed < course.warm_up_s else "RUNNING"


def state_line(course: Course, now: float, width: int) -> str:
    """How it stands, how far it is, and what is applied of what is wanted."""
    how = phase_words(course, now)
    if not course.is_planned:
        spent = numbers.length(max(0.0, (course.ended or now) - course.started))
        return numbers.fit(f"{how} | {spent} since it was started", [f" | by {course.starter}"], width - 1)
    elapsed = f"{minutes(course.elapsed_s(now))} of {minutes(course.length_s)}"
    if course.is_search:
        elapsed = f"step {len(course.steps) + (not course.is_over)}"
    more = [f" | {one}" for one in (*_applied_words(course), f"by {course.starter}")]
    return numbers.fit(f"{how} | {elapsed}", more, width - 1)


def _applied_words(course: Course) -> list[str]:
    if course.applied is None or course.wanted is None:
        return []
    if course.is_over:
        return _outcome_words(course)
    unit = "arrivals/s" if course.is_open else "users"
    digits = 1 if course.is_open else 0
    words = [f"{course.applied:.{digits}f} of {course.wanted:.{digits}f} {unit}"]
    if course.lately is not None:
        words.append(f"{course.lately.share:.2%} failed in {RECENT_S}s")
        words.append(f"p95 {_ms(course.lately.response.p95)} ms")
    if course.is_open:
        words.append(f"{course.ticks[-1].in_flight} in flight")
    return words


def _outcome_words(course: Course) -> list[str]:
    """Of all of it, without the warm-up."""
    if course.all is None:
        return ["nothing was measured"]
    return [
        f"{numbers.count(course.all.count)} requests",
        f"p95 {_ms(course.all.response.p95)} ms",
        f"{course.all.share:.2%} failed",
    ]


def verdict_words(course: Course, now: float) -> tuple[str, str]:
    """The verdict, its word first; before there is one, what is known against it."""
    if course.verdict is not None:
        return (
            course.verdict.outcome.upper(),
            f"exit {int(course.verdict.exit_code)}: {course.verdict.reason}",
        )
    if course.is_over:
        return "UNKNOWN", "it died before it had a verdict"
    if not course.is_planned:
        return "NO VERDICT", "it asks whether what it may hurt burns already, and sets budget aside"
    if course.is_search:
        return "NO VERDICT", _search_words(course)
    if flaw := so_far(course):
        return "INVALID SO FAR", flaw
    if course.elapsed_s(now) >= course.length_s:
        return "NO VERDICT", "those in flight come to an end, then it is judged"
    applied = "all that was due was sent" if course.is_open else "the load is what was ordered"
    return "NO VERDICT", f"judged at its end; so far {applied}"


def _search_words(course: Course) -> str:
    """Of a rate its last step counts; one that held for a reason was too short to tell."""
    last = {one.rate: one for one in course.steps}.values()
    end = min((one for one in last if not one.held), key=lambda one: one.rate, default=None)
    below = [one for one in last if one.held and (end is None or one.rate < end.rate)]
    held = max((one.rate for one in below if not one.reason), default=None)
    maybe = max((one.rate for one in below if one.reason), default=None)
    if not last:
        return "searches for the highest rate that holds"
    words = [f"{held:.4g}/s holds"] if held is not None else []
    if maybe is not None and (held is None or maybe > held):
        words.append(f"{maybe:.4g}/s may hold")
    if end is not None:
        words.append(f"{end.rate:.4g}/s {'does not' if end.is_pushed else 'cannot be pushed'}")
    return f"the highest rate that holds: {', '.join(words)}"


def verdict_lines(course: Course, now: float, width: int) -> list[str]:
    """The same in a few lines; a verdict may have many reasons."""
    told = "  ".join(verdict_words(course, now))
    found = textwrap.wrap(told, width - 3, subsequent_indent="  ", break_on_hyphens=False)
    return (
        found
        if len(found) <= MOST_REASONS
        else [*found[: MOST_REASONS - 1], f"{found[MOST_REASONS - 1]} ..."]
    )


def drawn(course: Course, tab: Tab, width: int, height: int, now: float, charset: Charset) -> Drawn:
    """The body of the screen; what does not fit is scrolled to."""
    is_short = height < TALL
    curves = curves_drawn(course, width, PLOT_SHORT if is_short else PLOT_TALL, charset)
    reasons = verdict_lines(course, now, width)[1:]
    gap = [] if is_short else [""]
    limits = limits_lines(course, width, is_short=is_short)
    below = [*gap, *limits, *gap, tab_line(course, tab, width), *tab_lines(course, tab, width)]
    every = [cut(line, width - BESIDE) for line in [*reasons, *curves.lines, *below]]
    bad = frozenset(at for at, line in enumerate(every) if line.startswith("!"))
    plots = range(len(reasons), len(reasons) + len(curves.lines))
    return replace(curves, lines=every, bad=bad, plots=plots)


def curves_drawn(course: Course, width: int, height: int, charset: Charset) -> Drawn:
    """What was applied beside how long it took; each curve is named where it ends."""
    room = (width - BESIDE - len(BETWEEN) - 1) // 2
    rate, times = _rate_chart(course, room, height, charset), _times_chart(course, room, height, charset)
    axis = _axis(course, room)
    left = [_rate_title(course), *rate.lines, axis]
    right = [_times_title(course, room), *times.lines, axis]
    lines = [
        f" {one[:room]:<{room}}{BETWEEN}{other[:room]}".rstrip()
        for one, other in zip(left, right, strict=True)
    ]
    other_half = 1 + room + len(BETWEEN)
    labels = (1 + rate.labels_at, other_half + times.labels_at)
    return Drawn(lines, divider=1 + room + 1, labels_at=labels)


def _rate_title(course: Course) -> str:
    words = "ARRIVALS/S" if course.is_open else "USERS"
    if course.applied is None or course.wanted is None:
        return f"{words}  none yet"
    digits = 1 if course.is_open else 0
    return f"{words}  wanted {course.wanted:.{digits}f}  applied {course.applied:.{digits}f}"


def _times_title(course: Course, room: int) -> str:
    found = course.all if course.is_over else course.lately
    if found is None:
        return "RESPONSE ms  none yet"
    of = found.response
    told = f"RESPONSE ms p50 {_ms(of.p50)} p95 {_ms(of.p95)} p99 {_ms(of.p99)}"
    more = [f"   service p95 {_ms(found.service.p95)}"] if found.service != of else []
    return numbers.fit(told, [*more, "" if course.is_over else f"   last {len(course.recent)}s"], room)


def _rate_chart(course: Course, width: int, height: int, charset: Charset) -> Chart:
    seconds = _by_second(course)
    wanted = Curve("wanted", "-", [one.level if one else None for one in seconds])
    applied = Curve(
        "applied",
        "*",
        _smooth(seconds) if course.is_open else [one.applied if one else None for one in seconds],
    )
    return chart(
        [wanted, applied], width, height, charset, least=1.0 if course.is_search else max(1.0, course.top)
    )


def _times_chart(course: Course, width: int, height: int, charset: Charset) -> Chart:
    seconds = _by_second(course)

    def of(what: str, share: str) -> list[float | None]:
        return [getattr(getattr(one, what), share) if one else None for one in seconds]

    curves = [
        Curve("p50", ".", of("response", "p50")),
        Curve("p95", "o", of("response", "p95")),
        Curve("p99", "^", of("response", "p99")),
    ]
    if course.is_late:
        curves.insert(0, Curve("s95", "s", of("service", "p95")))
    return chart(curves, width, height, charset, least=10.0)


def _by_second(course: Course) -> list[Tick | None]:
    """Of the whole length, so that the plot says how far it is."""
    known = {one.at: one for one in course.applying}
    return [known.get(at) for at in range(max(1, math.ceil(course.length_s), *(at + 1 for at in known)))]


def _smooth(seconds: Sequence[Tick | None]) -> list[float | None]:
    found: list[float | None] = []
    for at, one in enumerate(seconds):
        part = [each.applied for each in seconds[max(0, at - SMOOTH_S + 1) : at + 1] if each is not None]
        found.append(sum(part) / len(part) if one is not None else None)
    return found


def _axis(course: Course, width: int) -> str:
    end = minutes(course.length_s) if course.is_planned else ""
    return f"{'0:00':>8}{end:>{max(0, width - 16)}}"


def tab_line(course: Course, tab: Tab, width: int) -> str:
    """`[requests 11]  journeys 3  thresholds 5  errors 0   tab: next`"""
    counts = {
        Tab.REQUESTS: len(course.requests),
        Tab.JOURNEYS: len(course.journeys),
        Tab.THRESHOLDS: len(course.steps if course.is_search else course.found),
        Tab.ERRORS: sum(count for _, count in course.errors),
    }
    told = [f"[{one} {count}]" if one is tab else f" {one} {count} " for one, count in counts.items()]
    return numbers.fit(" " + " ".join(told), ["  tab: next"], width - 1)


def tab_lines(course: Course, tab: Tab, width: int) -> list[str]:
    match tab:
        case Tab.REQUESTS:
            return times_lines("REQUEST", course.requests, course.all, course, width)
        case Tab.JOURNEYS:
            return times_lines("JOURNEY", course.journeys, None, course, width)
        case Tab.THRESHOLDS:
            return threshold_lines(course)
        case Tab.ERRORS:
            return error_lines(course)


def times_lines(
    what: str, rows: Sequence[TimesRow], total: TimesRow | None, course: Course, width: int
) -> list[str]:
    """A line for each: how many, how many failed, and both times. `!` before one of which any failed."""
    if not rows:
        begun = course.ticks and course.ticks[-1].at >= course.warm_up_s
        return [
            f" {what}: none yet"
            if begun or not course.warm_up_s
            else f" {what}: what warms up is not measured"
        ]
    name_width, column = (40, 8) if width >= NARROW else (26, 5)
    heads = "".join(f"{one:>{column}}" for one in ("p50", "p95", "p99"))
    above = f"  {'':<{name_width + 15}} |{'response ms':>{3 * column}}|{'service ms':>{3 * column}}"
    head = f"  {what:<{name_width}}{'COUNT':>7}{'FAILED':>8} |{heads}|{heads}"
    worst_first = sorted(rows, key=lambda one: (-one.share, one.name))
    every = [*([total] if total is not None else []), *worst_first]
    return [above, head, *(_times_line(one, name_width, column) for one in every)]


def _times_line(row: TimesRow, name_width: int, column: int) -> str:
    name = row.name if len(row.name) < name_width else f"{row.name[: name_width - 2]}~"
    mark = "!" if row.failed else " "
    return (
        f"{mark} {name:<{name_width}}{numbers.count(row.count):>7}{row.share:>8.2%} |"
        f"{_three(row.response, column)}|{_three(row.service, column)}"
    )


def _three(found: Quantiles, column: int) -> str:
    return "".join(f"{_ms(one):>{column}}" for one in (found.p50, found.p95, found.p99))


def threshold_lines(course: Course) -> list[str]:
    if course.is_search:
        return [_step_line(one) for one in course.steps] or ["  no step is over yet"]
    if not course.found:
        return ["  they are judged at its end" if not course.is_over else "  none was judged"]
    return [
        f"{'!' if one.word.isupper() else ' '} {one.word:<8} {one.name}: {one.value or one.reason}"
        for one in course.found
    ]


def _step_line(one: Step) -> str:
    more = (", confirmed" if one.is_proof else "") + (f": {one.reason}" if one.reason else "")
    return f"{' ' if one.held else '!'} {one.word:<8} {one.rate:.4g}/s{more}"


def error_lines(course: Course) -> list[str]:
    if not course.errors:
        return ["  no request has failed"]
    return [f"! {count:>6}x  {words}" for words, count in course.errors]


def full_lines(course: Course, width: int, now: float) -> list[str]:
    """All of it, for a reader who scrolls."""
    word, rest = verdict_words(course, now)
    lines = [f"{word}  {rest}", state_line(course, now, width), "", *limits_lines(course, UNCUT)]
    for tab in Tab:
        lines += ["", tab.upper(), *tab_lines(course, tab, width)]
    return lines


def next_line(course: Course, width: int) -> str:
    """The next key, with the command that shows the same."""
    key = "enter: all of it" if course.is_over else "wait, or x: stop it"
    more = ["   tab: what is below", "   esc: profiles"]
    return numbers.fit(f"NEXT  {key}   ({twin(course)})", more, width - 1)


def twin(course: Course) -> str:
    """The command that shows the same."""
    return f"keelwatch load show {course.run}" if course.is_over else f"keelwatch attach {course.run}"


def why_not_stopped(course: Course) -> str:
    """Why `x` does nothing now; empty when it does something."""
    if course.is_over:
        return f"it has ended: {course.verdict or 'it died'}"
    if course.stop_asked:
        return "it is told to stop already"
    return "" if course.alive else f"no process carries it out: it is {course.phase}"


def stop_lines(course: Course, now: float) -> list[str]:
    """What somebody confirms who stops it."""
    return [
        f"Stop {course.profile} in {course.environment}? {state_line(course, now, 60)}",
        "No more customers come, those in flight end, what they",
        "changed is taken back. It then has no verdict but inconclusive.",
        "",
        f"keelwatch stop {course.run}",
    ]


def _ms(value: float | None) -> str:
    """`48`; from ten seconds on `12s`: columns are narrow."""
    if value is None:
        return numbers.DASH
    return f"{value:.0f}" if value < 9999.5 else f"{value / 1000:.0f}s"
