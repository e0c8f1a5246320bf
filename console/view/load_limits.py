"""What a load may do: its guard, its budget, and whether its generators do what was ordered. Pure."""

from __future__ import annotations

from console.view import numbers
from console.view.limits import budget_lines, guard_lines, line
from console.view.load_course import Course
from keelwatch.runs import Outcome
from loadtests.verdict import MOST_CPU, Applied, judge


def limits_lines(course: Course, width: int, *, is_short: bool = False) -> list[str]:
    """Guard, budget, generators, and the errors there are. A line that says of something wrong begins `!`."""
    return [
        *guard_lines(course.guard, width, is_over=course.is_over, is_short=is_short),
        *budget_lines(course.budget, is_over=course.is_over),
        generator_line(course),
        *_errors(course),
    ]


PATIENCE = 5  # seconds in which the first answers may still be on their way


def generator_line(course: Course) -> str:
    """Whether those who make the load are there, have room, and leave nothing out."""
    if not course.ticks:
        return line("GENERATORS", f"{course.processes} wanted, none has told anything yet")
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
    return line("GENERATORS", ", ".join(words), is_bad=bool(so_far(course)))


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
        requests=course.all.count if course.all else int(len(course.ticks) < course.warm_up_s + PATIENCE),
        no_account=course.no_account,
        idle=course.idle,
        quiet_s=course.quiet_s,
        late_s=course.late_s,
    )
    verdict = judge(applied, [])
    return verdict.reason if verdict.outcome is Outcome.INVALID else ""


def _errors(course: Course) -> list[str]:
    if not course.errors:
        return []
    words, count = course.errors[0]
    more = f"   and {len(course.errors) - 1} other kinds: tab" if len(course.errors) > 1 else ""
    return [line("ERRORS", f"{count}x  {words}{more}", is_bad=True)]
