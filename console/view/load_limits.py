"""What a load may do: its guard, its budget, and whether its generators do what was ordered. Pure."""

from __future__ import annotations

from console.view import numbers
from console.view.load_course import Course
from console.view.overview import NARROW
from keelwatch.runs import Outcome
from keelwatch.safety import Reservation
from keelwatch.safety.burn_words import burnt
from loadtests.follow import GuardSaid
from loadtests.verdict import MOST_CPU, Applied, judge

LABEL = 11
WORDS = {"yes": "holds", "no": "TRIPS", "unknown": "UNKNOWN"}


def limits_lines(course: Course, width: int, *, is_short: bool = False) -> list[str]:
    """Guard, budget, generators, and the errors there are. A line that says of something wrong begins `!`."""
    return [
        *guard_lines(course, width, is_short=is_short),
        *budget_lines(course),
        generator_line(course),
        *_errors(course),
    ]


def guard_lines(course: Course, width: int, *, is_short: bool = False) -> list[str]:
    """Of each limit its answer, its meter where it has one, and what the answer rests on; where lines are
    short of, the meter says enough while it holds."""
    if not course.guard:
        return [_line("GUARD", "not asked yet" if not course.is_over else "it was never asked")]
    lines: list[str] = []
    for name, said in course.guard.items():
        word, is_bad = WORDS.get(said.answer, said.answer.upper()), said.answer != "yes"
        meter = _meter(said)
        lines.append(_line("GUARD", f"{word:<8} {meter}{name}", is_bad=is_bad))
        if is_bad or not meter or not is_short:
            since = f"   since {numbers.clock(said.at)}" if width >= NARROW else ""
            lines.append(_line("", f"{said.because}{since}"))
    return lines


def _meter(said: GuardSaid) -> str:
    """`0.3x of 14.4x #.........  `"""
    found = burnt(said.because)
    return f"{found.burn:.1f}x of {found.most:g}x {numbers.bar(found.share)}  " if found else ""


def budget_lines(course: Course) -> list[str]:
    """What is set aside; once it is settled, what was spent of it at most."""
    if not course.budget:
        return [_line("BUDGET", "nothing is set aside" + ("" if course.is_over else " yet"))]
    open_ = [one for one in course.budget if one.spent is None]
    settled = [one for one in course.budget if one.spent is not None]
    lines = [_settled_line(max(settled, key=_spent_share), len(settled))] if settled else []
    if open_:
        names = ", ".join(sorted({one.objective for one in open_}))
        share = max(one.share for one in open_)
        lines.append(
            _line("BUDGET", f"{share:.2%} of the period's set aside, spent is told at the end: {names}")
        )
    return lines


def _settled_line(worst: Reservation, count: int) -> str:
    where = f" ({worst.region})" if worst.region else ""
    spent = f"{worst.spent or 0:.2%} of {worst.share:.2%} {numbers.bar(_spent_share(worst))}"
    word = "OVER" if worst.is_over else "spent"
    most = f", the most of {count}" if count > 1 else ""
    return _line("BUDGET", f"{word:<8} {spent}  {worst.objective}{where}{most}", is_bad=worst.is_over)


def _spent_share(one: Reservation) -> float:
    return (one.spent or 0.0) / one.share if one.share else 0.0


def generator_line(course: Course) -> str:
    """Whether those who make the load are there, have room, and leave nothing out."""
    if not course.ticks:
        return _line("GENERATORS", f"{course.processes} wanted, none has told anything yet")
    there = max(one.workers for one in course.ticks[-3:])
    words = [f"{min(there, course.processes)} of {course.processes}"]
    if course.cpu is not None:
        words.append(f"CPU {course.cpu:.0%} of {MOST_CPU:.0%} {numbers.bar(course.cpu / MOST_CPU, 6)}")
    if course.is_open:
        words.append(
            f"{'DROPPED' if course.dropped else 'dropped'} {course.dropped} of {numbers.count(course.due)}"
        )
        words.append(f"late {course.ticks[-1].late_ms:.0f}ms")
    if course.no_account:
        words.append(f"NO ACCOUNT {course.no_account}x")
    return _line("GENERATORS", ", ".join(words), is_bad=bool(so_far(course)))


def so_far(course: Course) -> str:
    """Why it would be invalid if it ended now; empty when it would not."""
    applied = Applied(
        ended="finished",
        workers=course.processes,
        least_workers=course.processes,
        least_users=None,
        cpu=course.cpu,
        due=course.due,
        dropped=course.dropped,
        no_account=course.no_account,
    )
    verdict = judge(applied, [])
    return verdict.reason if verdict.outcome is Outcome.INVALID else ""


def _errors(course: Course) -> list[str]:
    if not course.errors:
        return []
    words, count = course.errors[0]
    more = f"   and {len(course.errors) - 1} other kinds: tab" if len(course.errors) > 1 else ""
    return [_line("ERRORS", f"{count}x  {words}{more}", is_bad=True)]


def _line(label: str, words: str, *, is_bad: bool = False) -> str:
    return f"{'!' if is_bad else ' '} {label:<{LABEL}}{words}"


def cut(line: str, width: int) -> str:
    """At most `width` columns; `~` shows that something is missing."""
    return line if len(line) < width else f"{line[: width - 2]}~"
