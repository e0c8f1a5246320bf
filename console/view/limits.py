"""What a run may do, whatever it does: its guard and its budget. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from console.view import numbers
from console.view.columns import NARROW
from keelwatch.safety import Reservation
from keelwatch.safety.budget import at_the_end
from keelwatch.safety.burn_words import burnt
from keelwatch.safety.questions import elapsed_share
from keelwatch.safety.said import GuardSaid

LABEL = 11
LOST = ": the run died, so all it set aside counts as spent"
WORDS = {"yes": "holds", "no": "TRIPS", "unknown": "UNKNOWN"}


def guard_lines(
    guard: Mapping[str, GuardSaid], width: int, *, is_over: bool, is_short: bool = False
) -> list[str]:
    """Of each limit its answer, its meter where it has one, and what the answer rests on; where lines are
    short of, the meter says enough while it holds."""
    if not guard:
        return [line("GUARD", "not asked yet" if not is_over else "it was never asked")]
    lines: list[str] = []
    for name, said in guard.items():
        word, is_bad = WORDS.get(said.answer, said.answer.upper()), said.answer != "yes"
        meter = _meter(said)
        lines.append(line("GUARD", f"{word:<8} {meter}{name}", is_bad=is_bad))
        if not meter.startswith(said.because) and (is_bad or not meter or not is_short):
            since = f"   since {numbers.clock(said.at)}" if width >= NARROW else ""
            lines.append(line("", f"{said.because}{since}"))
    return lines


def _meter(said: GuardSaid) -> str:
    """`0.3x of 14.4x #.........  `, or of time `38s of 3m ##........  `"""
    if found := burnt(said.because):
        return f"{found.burn:.1f}x of {found.most:g}x {numbers.bar(found.share)}  "
    share = elapsed_share(said.because)
    return "" if share is None else f"{said.because} {numbers.bar(share)}  "


def budget_lines(budget: Sequence[Reservation], *, is_over: bool) -> list[str]:
    """What is set aside; what is spent of it so far, and once it is settled what was, at most."""
    if not budget:
        return [line("BUDGET", "nothing is set aside" + ("" if is_over else " yet"))]
    known = at_the_end(budget) if is_over else budget
    open_ = [one for one in known if one.spent is None]
    settled = [one for one in known if one.spent is not None]
    told = [one for one in open_ if one.so_far is not None]
    lines = [_spent_line(max(settled, key=_spent_share), len(settled))] if settled else []
    if told:
        lines.append(_spent_line(max(told, key=_spent_share), len(told)))
    elif open_:
        names = ", ".join(sorted({one.objective for one in open_}))
        share = max(one.share for one in open_)
        lines.append(
            line("BUDGET", f"{share:.2%} of the period's set aside, what is spent is not known yet: {names}")
        )
    return lines


def budget_sentences(budget: Sequence[Reservation], *, is_over: bool) -> Iterator[str]:
    """For whoever reads them one by one."""
    for one in sorted(
        at_the_end(budget) if is_over else budget, key=lambda each: (each.objective, each.region or "")
    ):
        spent = "not settled" if one.so_far is None else f"{one.so_far:.2%} spent so far"
        spent = spent if one.spent is None else f"{one.spent:.2%} spent"
        spent += LOST if one.lost else ""
        where = f" ({one.region})" if one.region else ""
        yield f"budget of {one.objective}{where}: {one.share:.2%} set aside, {spent}"


def _spent_line(worst: Reservation, count: int) -> str:
    where = f" ({worst.region})" if worst.region else ""
    share = _spent_share(worst)
    spent = f"{share * worst.share:.2%} of {worst.share:.2%} {numbers.bar(share)}"
    word = "OVER" if share > 1 else "so far" if worst.spent is None else "spent"
    most = f", the most of {count}" if count > 1 else ""
    lost = LOST if worst.lost else ""
    return line("BUDGET", f"{word:<8} {spent}  {worst.objective}{where}{most}{lost}", is_bad=share > 1)


def _spent_share(one: Reservation) -> float:
    """Of what is set aside: above 1 is more."""
    spent = one.so_far if one.spent is None else one.spent
    return (spent or 0.0) / one.share if one.share else 0.0


def line(label: str, words: str, *, is_bad: bool = False) -> str:
    return f"{'!' if is_bad else ' '} {label:<{LABEL}}{words}"


def cut(line: str, width: int) -> str:
    """At most `width` columns; `~` shows that something is missing."""
    return line if len(line) < width else f"{line[: width - 2]}~"
