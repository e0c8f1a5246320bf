"""The filter of a table: `text`, `/!text` for what does not match, `-s page` by state."""

from __future__ import annotations

from console.view.overview import title
from slo.snapshot import ObjectiveReading


def matches(one: ObjectiveReading, expression: str) -> bool:
    """True for an empty filter; case does not matter, and any part of name, region or component may match."""
    text = expression.strip().removeprefix("/").lower()
    if not text:
        return True
    if text.startswith("!"):
        return not matches(one, text[1:])
    if text.startswith("-s"):
        return one.state.value.startswith(text[2:].strip())
    return text in f"{title(one)} {one.component} {one.display}".lower()
