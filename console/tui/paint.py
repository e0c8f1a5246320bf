"""Colour: the second sign of a state, after its word. Names are of the theme, so NO_COLOR loses nothing."""

from __future__ import annotations

from collections.abc import Iterable

from rich.style import Style
from rich.text import Text

from keelwatch.runs.verdict import Outcome
from probes.record import Result
from slo.snapshot import State

STYLES = {
    State.PAGE: Style(color="white", bgcolor="red", bold=True),
    State.TICKET: Style(color="yellow", bold=True),
    State.UNKNOWN: Style(color="magenta", bold=True),
    State.OK: Style(color="green"),
}
RESULTS = {
    Result.PASS: STYLES[State.OK],
    Result.FAIL: STYLES[State.PAGE],
    Result.INVALID: STYLES[State.UNKNOWN],
    Result.INCONCLUSIVE: STYLES[State.UNKNOWN],
}
OUTCOMES = {
    Outcome.PASS: STYLES[State.OK],
    Outcome.FAIL: STYLES[State.PAGE],
    Outcome.INVALID: STYLES[State.UNKNOWN],
    Outcome.INCONCLUSIVE: STYLES[State.UNKNOWN],
}
DIM = Style(dim=True)
GROUP = Style(bold=True, dim=True)
BAD = Style(color="red", bold=True)
CURSOR = ">"
CURSOR_ROW = Style(bold=True)


def state_style(state: State, *, stale: bool) -> Style:
    return DIM if stale else STYLES[state]


def result_style(result: Result | None, *, stale: bool) -> Style:
    """Of a journey's last result; what is too old to hold is dim."""
    if stale or result is None:
        return DIM
    return RESULTS[result]


def cell(key: str, text: str, state: State, *, stale: bool) -> Text:
    """A table cell: the state column carries the colour, everything is dim when it is old."""
    if stale:
        return Text(text, DIM, no_wrap=True)
    if key == "state" or (key in {"empty", "5m", "1h"} and state is State.PAGE):
        style = STYLES[state] if key == "state" else Style(bold=True)
        return Text(text, style, no_wrap=True)
    return Text(text, no_wrap=True)


def word(text: str, style: Style) -> Text:
    """A state column: the cursor plain, the word in its colour, no colour where it ends."""
    lead = len(text) - len(text.lstrip(f"{CURSOR} "))
    return Text.assemble(text[:lead], (text[lead:].rstrip(), style), " " * (len(text) - len(text.rstrip())))


def unwrapped(lines: Iterable[Text]) -> Text:
    """Lines as they are: what is too long for the screen is cut from the right."""
    text = Text("\n").join(lines)
    text.no_wrap = True
    text.overflow = "ellipsis"
    return text
