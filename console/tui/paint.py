"""Colour: the second sign of a state, after its word. Names are of the theme, so NO_COLOR loses nothing."""

from __future__ import annotations

from rich.style import Style
from rich.text import Text

from slo.snapshot import State

STYLES = {
    State.PAGE: Style(color="white", bgcolor="red", bold=True),
    State.TICKET: Style(color="yellow", bold=True),
    State.UNKNOWN: Style(color="magenta", bold=True),
    State.OK: Style(color="green"),
}
DIM = Style(dim=True)
HEAD = Style(reverse=True)


def state_style(state: State, *, stale: bool) -> Style:
    return DIM if stale else STYLES[state]


def cell(key: str, text: str, state: State, *, stale: bool) -> Text:
    """A table cell: the state column carries the colour, everything is dim when it is old."""
    if stale:
        return Text(text, DIM, no_wrap=True)
    if key == "state" or (key in {"empty", "5m", "1h"} and state is State.PAGE):
        style = STYLES[state] if key == "state" else Style(bold=True)
        return Text(text, style, no_wrap=True)
    return Text(text, no_wrap=True)
