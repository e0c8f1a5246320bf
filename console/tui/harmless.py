"""The last thing between what is painted and the terminal: no character of a text acts on it."""

from __future__ import annotations

from typing import override

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from keelwatch.workspace.visible import without_controls


class Harmless(LineFilter):
    """Texts of servers are made visible before they are laid out; whatever was missed is left out here,
    which moves nothing, for such characters have no width."""

    @override
    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        if all(segment.text.isprintable() for segment in segments):
            return segments
        return [
            segment if segment.control else Segment(without_controls(segment.text), segment.style)
            for segment in segments
        ]
