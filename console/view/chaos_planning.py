"""The screen of one experiment as text: what it would do now, and what it may cost. Pure."""

from __future__ import annotations

import shlex
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.bounds import bounds_of
from console.view import numbers
from console.view.bounds import budget_words, guard_words, radius_words
from console.view.chaos import plan_lines

if TYPE_CHECKING:
    from console.chaos import DryRun


@dataclass(frozen=True, slots=True)
class Planning:
    """`found` is the newest, made `at` (Unix s); `trouble` why there is none. `load` is the profile that
    would run beside it, of `profiles`."""

    experiment: str
    environment: str
    found: DryRun | None = None
    at: float = 0.0
    trouble: str = ""
    load: str = ""
    profiles: tuple[str, ...] = ()
    asking: bool = False

    @property
    def next_load(self) -> str:
        """After the last profile, none again."""
        choices = ("", *self.profiles)
        return choices[(choices.index(self.load) + 1) % len(choices)] if self.load in choices else ""


def twin(planning: Planning, verb: str = "dry-run") -> str:
    """The command that does the same: `dry-run`, or `run`."""
    words = ["keelwatch", "chaos", verb, planning.experiment, "--env", planning.environment]
    if verb == "run":
        words += [*(["--under-load", planning.load] if planning.load else []), "--arm"]
    return shlex.join(words)


def heading(planning: Planning, now: float, width: int) -> str:
    needed = f"Chaos > {planning.experiment}  dry run in {planning.environment}"
    load = f", under load {planning.load}" if planning.load else ""
    return numbers.fit(needed, [one for one in (load, _age(planning, now)) if one], width - 1)


def _age(planning: Planning, now: float) -> str:
    if planning.asking:
        return "   asking the real systems ..."
    if planning.found is None:
        return "   NO PLAN"
    return f"   planned {numbers.length(now - planning.at)} ago"


def planning_lines(planning: Planning, width: int) -> list[str]:
    """The body of the screen."""
    lines: list[str] = []
    if planning.trouble:
        lines += [*textwrap.wrap(f"NOT PLANNED: {planning.trouble}", width), ""]
    if planning.found is None:
        return lines or ["asking the real systems what it would do now; nothing is changed ..."]
    for one in planning.found.troubles:
        lines += textwrap.wrap(f"WOULD BE REFUSED: {one}", width, subsequent_indent="  ")
    for one in plan_lines(planning.found.experiment, planning.found.plan):
        inner = " " * (len(one) - len(one.lstrip()) + 2)
        lines += textwrap.wrap(one, width, subsequent_indent=inner, break_on_hyphens=False)
    return lines


def why_not_started(planning: Planning) -> str:
    """Why `s` does nothing now; empty when it does something."""
    if planning.asking:
        return "it is being planned just now"
    if planning.found is None:
        return f"there is no plan: {planning.trouble or 'n plans anew'}"
    if planning.found.troubles:
        return f"it would be refused: {planning.found.troubles[0]}"
    return ""


def next_line(planning: Planning, width: int, *, armed: bool) -> str:
    """The next key, and the command that does the same."""
    if planning.found is None or planning.found.troubles:
        return numbers.fit("NEXT  n: plan anew   esc: back", [f"   ({twin(planning)})"], width - 1)
    start = "s: start it" if armed else "A, then s: start it"
    more = ["   u: under load" if not planning.load else "   u: another load, or none", "   n: plan anew"]
    return numbers.fit(f"NEXT  {start}", more, width - 1)


def confirm_lines(planning: Planning, width: int) -> list[str]:
    """What somebody types the environment's name for."""
    found = planning.found
    if found is None:
        return []
    bounds = bounds_of(found.experiment.own)
    acts = [one.effect for one in found.plan if one.part == "method" and one.effect]
    told = {
        "does": acts or ["nothing that anybody could predict"],
        "radius": [radius_words(bounds)],
        "guard": guard_words(bounds),
        "budget": [budget_words(bounds)],
        "load": [f"{planning.load} runs beside it"] if planning.load else [],
        "stop": ["x stops it at any time; rollbacks are played, what it did is taken back"],
    }
    lines = [*textwrap.wrap(f"{found.experiment.title}.", width), ""]
    for key, sentences in told.items():
        lines += _told(key, sentences, width)
    return [*lines, "", *textwrap.wrap(twin(planning, "run"), width, break_on_hyphens=False)]


def _told(key: str, sentences: Sequence[str], width: int) -> list[str]:
    lines: list[str] = []
    for words in sentences:
        head = f"{'' if lines else key:<8}"
        lines += textwrap.wrap(
            words, width, initial_indent=head, subsequent_indent=" " * 8, break_on_hyphens=False
        )
    return lines
