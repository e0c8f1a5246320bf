"""One run of an experiment as text: what was asked of customers, what was done, and what may end it. Pure."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

from chaos.follow import Ahead, Asked
from chaos.story import Fault, Step
from console.view import numbers
from console.view.bounds import radius_words
from console.view.chaos import WHENS
from console.view.chaos_course import PHASES, Course
from console.view.columns import NARROW
from console.view.limits import budget_lines, cut, guard_lines, line
from keelwatch.runs import Outcome, Phase
from keelwatch.workspace.errors import ExitCode

BESIDE = 3  # columns of the scroll bar, and one that stays free
TALL = 30
UNCUT = 10_000  # columns
MOST_REASONS = 3  # lines; enter shows all
SENTENCES = {
    "hypothesis-held": "the hypothesis held, and the fault reached traffic",
    "fault-never-reached-traffic": "nobody met the fault: it proves nothing",
}
TELLING = {Outcome.PASS, Outcome.FAIL}
"""Verdicts that say something of what was expected."""
STATES = {"begun": "RUNNING", "succeeded": "done", "failed": "FAILED", "interrupted": "INTERRUPTED"}


@dataclass(frozen=True, slots=True)
class Drawn:
    """`bad` are the lines that say of something wrong, `now` those of what happens now; each bears a mark
    too."""

    lines: list[str]
    bad: frozenset[int] = frozenset()
    now: frozenset[int] = frozenset()


def heading(course: Course, width: int) -> str:
    """`Chaos > billing-down in sandbox   billing, expected pass   run 3f2a`"""
    bounds = course.bounds
    expected = f"expected {bounds.expect}" if bounds.expect else ""
    about = ", ".join(one for one in (bounds.component, expected) if one)
    more = [
        f"   {about}" if about else "",
        f"   run {course.run}",
        f"   {course.told.title}" if course.told.title else "",
    ]
    return numbers.fit(f"Chaos > {course.experiment} in {course.environment}", more, width - 1)


def phase_words(course: Course) -> str:
    """One word or a few: `RUNNING method 2/3`, `ENDED pass`, `STOPPING rollbacks 1/1`."""
    if course.is_over:
        return f"ENDED {course.verdict.outcome}" if course.verdict else "DIED"
    phase = course.told.phase
    words = [course.phase.upper(), PHASES.get(phase, "starting")]
    if phase in {"method", "rollbacks"} and course.counts(phase)[1]:
        over, count = course.counts(phase)
        words.append(f"{min(over + 1, count)}/{count}")
    return " ".join(words)


def state_line(course: Course, now: float, width: int) -> str:
    """How it stands, how long it takes, and what is broken at this moment."""
    spent = f"{numbers.length(max(0.0, (course.ended or now) - course.started))}"
    most = course.bounds.most_s
    spent += f" of {numbers.length(most)} at most" if most and not course.is_over else ""
    faults, own = faults_words(course, now)
    told = [f" | {faults}", own, f" | under load {course.told.load}" if course.told.load else ""]
    return numbers.fit(f"{phase_words(course)} | {spent}", [*told, f" | by {course.starter}"], width - 1)


def faults_words(course: Course, now: float) -> tuple[str, str]:
    """`1 FAULT ON` and `, ends by itself in 1m46s`; of a run that is over, whether all is healed."""
    on, count = course.open_faults, len(course.told.faults)
    if not on and not count:
        return "nothing was broken" if course.is_over else "nothing is broken yet", ""
    if not on:
        return f"{count} fault{'' if count == 1 else 's'}, all healed", ""
    if course.is_left:
        return f"{len(on)} NOT HEALED", ""
    ends = [one.ends_itself for one in on if one.ends_itself]
    own = f", ends by itself in {numbers.length(max(ends) - now)}" if len(ends) == len(on) else ""
    return f"{len(on)} FAULT{'' if len(on) == 1 else 'S'} ON", own


def verdict_words(course: Course) -> tuple[str, str]:
    """The verdict, its word first; before there is one, what is known so far."""
    if course.verdict is not None:
        outcome, reason = course.verdict.outcome, course.verdict.reason
        sentence = SENTENCES.get(reason, "")
        told = (
            f"{sentence}{expected_words(course)} ({reason})" if sentence else reason + expected_words(course)
        )
        code = course.verdict.exit_code
        left = ": SOMETHING IS LEFT BEHIND, keelwatch heal" if code is ExitCode.LEFT_BEHIND else ""
        return outcome.upper(), f"exit {int(code)}{left}: {told}"
    if course.is_over:
        return "UNKNOWN", "it died before it had a verdict"
    return so_far(course)


def expected_words(course: Course) -> str:
    expect = course.bounds.expect
    if course.verdict is None or not expect or course.verdict.outcome not in TELLING:
        return ""
    return ", as expected" if course.verdict.outcome == expect else f", and {expect} was EXPECTED"


def so_far(course: Course) -> tuple[str, str]:
    """What speaks against it while it runs."""
    found = course.told.hypothesis
    if course.phase is Phase.ORPHANED:
        return "UNKNOWN", "its process is gone, and nobody looks after what it did: keelwatch heal"
    if course.phase is Phase.HEALING:
        return "UNKNOWN", "its process is gone; its guardian takes back what it did"
    if course.told.stopping:
        return "NO VERDICT", f"it is being ended: {course.told.stopping}"
    if course.stop_asked:
        return "NO VERDICT", "it is told to stop; rollbacks are played, and what it did is taken back"
    if found.get("before") in {"deviated", "unknown"}:
        return "INVALID SO FAR", f"the hypothesis was {found['before']} before anything was broken"
    for when in ("during", "after"):
        if found.get(when) == "deviated":
            return "FAILS SO FAR", f"the hypothesis deviated {when} the method"
    if not course.told.phase:
        return "NO VERDICT", "it asks whether what it may hurt burns already, and sets budget aside"
    if course.told.phase == "before":
        return "NO VERDICT", "the hypothesis is asked before anything is broken"
    reached = "the fault reached traffic" if course.told.reached else "no traffic has met the fault yet"
    held = "held before" if found.get("during") is None else "has held so far"
    return "NO VERDICT", f"the hypothesis {held}, and {reached}"


def verdict_lines(course: Course, width: int) -> list[str]:
    """The same in a few lines; a verdict may have many reasons."""
    told = "  ".join(verdict_words(course))
    found = textwrap.wrap(told, width - 3, subsequent_indent="  ", break_on_hyphens=False)
    if len(found) <= MOST_REASONS:
        return found
    return [*found[: MOST_REASONS - 1], f"{found[MOST_REASONS - 1]} ..."]


def drawn(course: Course, width: int, height: int, now: float) -> Drawn:
    """The body of the screen; what does not fit is scrolled to."""
    gap = [] if height < TALL else [""]
    reasons = verdict_lines(course, width)[1:]
    parts = [
        stopped_lines(course),
        hypothesis_lines(course, width),
        step_lines(course, width, now),
        fault_lines(course, now),
        limit_lines(course, width, is_short=height < TALL),
    ]
    below = [one for part in parts if part for one in (*part, *gap)]
    every = [cut(one, width - BESIDE) for one in (*reasons, *gap, *below)]
    bad = frozenset(at for at, one in enumerate(every) if one.startswith("!"))
    return Drawn(every, bad, frozenset(at for at, one in enumerate(every) if one.startswith(">")))


def stopped_lines(course: Course) -> list[str]:
    return [line("STOPPED", course.stopped)] if course.stopped else []


def hypothesis_lines(course: Course, width: int) -> list[str]:
    """Each probe, and what it said before, during and after."""
    column = 15 if width >= NARROW else 10
    room = width - BESIDE - 1 - column * len(WHENS)
    heads = "".join(f"{when.upper():<{column}}" for when in WHENS)
    title = f"HYPOTHESIS {course.steady_state or 'none was told yet'}"
    lines = [f"  {_short(title, room - 2):<{room - 2}}{heads}".rstrip()]
    names = list(dict.fromkeys([*course.probes, *(name for name, _ in course.asked)]))
    for name in names:
        asked = [course.asked.get((name, when)) for when in WHENS]
        mark = "!" if any(one and (one.missed or one.unknown) for one in asked) else " "
        words = "".join(f"{asked_words(one)[: column - 1]:<{column}}" for one in asked)
        lines.append(f"{mark}   {_short(name, room - 4):<{room - 4}}{words}".rstrip())
    return lines


def asked_words(found: Asked | None) -> str:
    """`met`, `met 17x`, `DEVIATED 2/17`, `UNKNOWN`; `--` where it was not asked."""
    if found is None:
        return numbers.DASH
    count = found.met + found.missed + found.unknown
    if found.missed:
        return "DEVIATED" if count == 1 else f"DEVIATED {found.missed}/{count}"
    if found.unknown:
        return "UNKNOWN" if count == 1 else f"UNKNOWN {found.unknown}/{count}"
    return "met" if count == 1 else f"met {count}x"


def _short(words: str, room: int) -> str:
    return words if len(words) < room else f"{words[: room - 2]}~"


def step_lines(course: Course, width: int, now: float) -> list[str]:
    """Method and rollbacks: what is done, what is on, what waits, each with what a person would type."""
    if not course.ahead and not course.told.steps:
        return [line("STEPS", "none was told" if course.is_over else "none was told yet")]
    counted = {phase: course.counts(phase) for phase in ("method", "rollbacks")}
    words = ", ".join(f"{phase} {over} of {count} over" for phase, (over, count) in counted.items())
    lines = [line("STEPS", words)]
    number = 0
    for phase in ("method", "rollbacks"):
        found: list[Step | Ahead] = [*course.of(phase), *course.waiting(phase)]
        for one in found:
            number += 1
            lines += _step_lines(course, number, one, width, now)
    return lines


def _step_lines(course: Course, number: int, one: Step | Ahead, width: int, now: float) -> list[str]:
    """One line, or two where the equivalent has no room beside it; where lines are short of, that of what is
    on alone."""
    state, took = _step_state(course, one, now)
    mark = {"FAILED": "!", "INTERRUPTED": "!", "CUT SHORT": "!", "RUNNING": ">"}.get(state, " ")
    verb = "roll back" if one.phase == "rollbacks" else one.type
    head = f"{mark} {number:>2} {verb:<9} "
    tail = f" {state:<12}{took:>7}"
    if width >= NARROW:
        lines = [f"{head}{_short(one.name, 34):<34}{tail}   {one.equivalent}"]
        if len(lines[0]) > width - BESIDE:
            lines = [f"{head}{_short(one.name, 34):<34}{tail}", f"    as: {one.equivalent}"]
    else:
        lines = [f"{head}{_short(one.name, 38):<38}{tail}"]
        lines += [f"    as: {one.equivalent}"] if state == "RUNNING" else []
    error = one.error if isinstance(one, Step) else ""
    return [*lines, *([f"!   {error}"] if error else [])]


def _step_state(course: Course, one: Step | Ahead, now: float) -> tuple[str, str]:
    if isinstance(one, Ahead):
        return ("not begun" if course.is_over else "waiting"), ""
    if one.state == "begun":
        return ("CUT SHORT", "") if not course.alive else ("RUNNING", numbers.length(now - one.began))
    took = f"{one.took_s:.1f}s" if one.took_s is not None else ""
    return STATES.get(one.state, one.state), took


def fault_lines(course: Course, now: float) -> list[str]:
    """What was done to the world: since when it is so, or who took it back and after how long."""
    if not course.told.faults:
        return [line("FAULTS", "none was set" if course.is_over else "none is set yet")]
    return [_fault_line(course, one, now) for one in course.told.faults]


def _fault_line(course: Course, one: Fault, now: float) -> str:
    what = f"{one.verb} on {one.target}"
    if one.lasted_s is not None:
        return line("FAULTS", f"healed     {what} by the {one.by} after {one.lasted_s:.1f} s")
    if one.error:
        return line("FAULTS", f"NOT HEALED {what}: {one.error}", is_bad=True)
    if not one.done:
        word = "IN DOUBT" if course.is_over else "being set"
        return line("FAULTS", f"{word:<10} {what}", is_bad=course.is_over)
    if course.is_left:
        return line("FAULTS", f"LEFT       {what}: keelwatch heal", is_bad=True)
    ends = one.ends_itself
    if ends is not None and ends < now:
        return line("FAULTS", f"ENDED      {what}, by itself; nobody has verified it yet")
    own = f", ends by itself in {numbers.length(ends - now)}" if ends is not None else ""
    told = line("FAULTS", f"ON {numbers.length(now - one.set_at):<7} {what}{own}")
    return f">{told[1:]}"


def limit_lines(course: Course, width: int, *, is_short: bool = False) -> list[str]:
    """What may end it, what it may strike, what it may cost, and how the fault must show."""
    if not course.told.name:
        return [line("GUARD", "not told" if course.is_over else "not told yet")]
    if course.bounds.is_guarded or course.guard:
        guard = guard_lines(course.guard, width, is_over=course.is_over, is_short=is_short)
    else:
        guard = [line("GUARD", "none but an hour: the experiment has no extension `keelwatch`")]
    shows = any(one.answer == "no" for one in course.guard.values())
    trips = [line("TRIPPED", one, is_bad=True) for one in course.told.trips if not shows]
    if course.told.reached:
        proof = line("REACHED", f"yes: {course.told.reached}")
    else:
        wanted = course.bounds.proof
        word = "NO: " if course.is_over else "not yet: "
        proof = line("REACHED", f"{word}{wanted}" if wanted else "nobody said how it shows: it cannot pass")
    budget = budget_lines(course.told.budget, is_over=course.is_over)
    return [*trips, *guard, line("RADIUS", radius_words(course.bounds)), *budget, proof]


def full_lines(course: Course, width: int, now: float) -> list[str]:
    """All of it, for a reader who scrolls."""
    word, rest = verdict_words(course)
    lines = [f"{word}  {rest}", state_line(course, now, width), course.told.title, ""]
    lines += [*stopped_lines(course), *hypothesis_lines(course, width), ""]
    for (name, when), asked in course.asked.items():
        lines.append(f"    {name}, {when}: {asked_words(asked)}, said {asked.output}")
    lines.append("")
    for one in course.told.steps:
        lines.append(
            f"  {one.phase}  {numbers.clock(one.began)}  {one.name}: {_step_state(course, one, now)[0]}"
        )
        lines += [f"    as: {one.equivalent}"]
        lines += [f"    error: {one.error}"] if one.error else []
        lines += [f"    said: {one.output}"] if one.output is not None else []
    return [*lines, "", *fault_lines(course, now), "", *limit_lines(course, UNCUT)]


def next_line(course: Course, width: int) -> str:
    """The next key, with the command that shows the same."""
    if course.is_left:
        return numbers.fit("NEXT  in a shell: keelwatch heal", ["   enter: all of it"], width - 1)
    key = "enter: all of it" if course.is_over else "wait, or x: stop + roll back"
    return numbers.fit(f"NEXT  {key}   ({twin(course)})", ["   esc: experiments"], width - 1)


def twin(course: Course) -> str:
    """The command that shows the same."""
    return f"keelwatch chaos show {course.run}" if course.is_over else f"keelwatch attach {course.run}"


def why_not_stopped(course: Course) -> str:
    """Why `x` does nothing now; empty when it does something."""
    if course.is_over:
        return f"it has ended: {course.verdict or 'it died'}"
    if course.stop_asked:
        return "it is told to stop already"
    if course.phase is Phase.HEALING:
        return "its process is gone, and its guardian takes back what it did"
    return "" if course.alive else f"no process carries it out: it is {course.phase}"


def stop_lines(course: Course) -> list[str]:
    """What somebody confirms who stops it."""
    owed = [f"  {one.verb} on {one.target}" for one in course.open_faults]
    back = ["Its rollbacks are played, 30 s at most, then this is taken back:", *owed]
    return [
        f"Stop {course.experiment} in {course.environment}? {phase_words(course)}.",
        *(back if owed else ["Nothing that it did is in force now."]),
        "It then has no verdict but inconclusive.",
        "",
        f"keelwatch stop {course.run}",
    ]
