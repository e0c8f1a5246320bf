"""A DataTable that repaints only the rows that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any, Self

from rich.text import Text
from textual.coordinate import Coordinate
from textual.geometry import Region
from textual.widgets import DataTable


class LiveTable(DataTable[Text]):
    """`DataTable.update_cell` repaints the whole widget, and Textual writes every repainted region
    again; so updates are muted, and each changed row is repainted once. Column widths are fixed.

    The cursor never stands on a heading, whatever moves it; while there is any other row it stands on one.
    """

    headings: frozenset[str] = frozenset()  # keys of rows that are lines between rows
    _muted = False
    _filling = False
    _held = False  # somebody moved the cursor: it follows its row, and not the top

    def refresh(self, *regions: Region, **kwargs: Any) -> Self:
        if self._muted and not regions and not kwargs:
            return self
        return super().refresh(*regions, **kwargs)

    def patch(self, changes: Mapping[str, Mapping[str, Text]]) -> None:
        """Write `changes` (row key to column key to text), which the caller has already diffed."""
        self._muted = True
        try:
            for row, cells in changes.items():
                for column, text in cells.items():
                    self.update_cell(row, column, text)
        finally:
            self._muted = False
        for row in changes:
            self.refresh_row(self.get_row_index(row))

    def order(self) -> list[str]:
        return [str(row.key.value) for row in self.ordered_rows]

    def fill(self, rows: Sequence[tuple[str, Mapping[str, Text]]]) -> None:
        """Show exactly `rows`. A cursor that somebody moved stays on its row where that is still there; any
        other stands at the top, on what is most urgent now."""
        selected = self.at_cursor() if self._held else None
        self._filling = True
        try:
            self.clear()
            for key, cells in rows:
                self.add_row(*cells.values(), key=key)
            keys = [key for key, _ in rows]
            self._held = selected in keys
            # The row of the top is given too: only now can the cursor be moved off a heading.
            self.move_cursor(row=keys.index(selected) if selected in keys else 0, animate=False)
        finally:
            self._filling = False

    def at_cursor(self) -> str | None:
        """The key of the row under the cursor; None where there is no row for it."""
        order, at = self.order(), self.cursor_row
        return order[at] if 0 <= at < len(order) and order[at] not in self.headings else None

    def go_to(self, key: str) -> None:
        self.move_cursor(row=self.get_row_index(key), animate=False)

    def action_scroll_top(self) -> None:
        """To the top, and to stay there."""
        super().action_scroll_top()
        self._held = False

    def validate_cursor_coordinate(self, value: Coordinate) -> Coordinate:
        """The nearest row that is no heading, onwards in the direction of the move before back."""
        at = super().validate_cursor_coordinate(value)
        order = self.order()
        above, below = range(at.row - 1, -1, -1), range(at.row + 1, len(order))
        onwards, back = (above, below) if at.row < self.cursor_row else (below, above)
        rows = chain((at.row,), onwards, back)
        row = next((row for row in rows if row < len(order) and order[row] not in self.headings), at.row)
        return Coordinate(row, at.column)

    def watch_cursor_coordinate(self, old_coordinate: Coordinate, new_coordinate: Coordinate) -> None:
        super().watch_cursor_coordinate(old_coordinate, new_coordinate)
        if old_coordinate.row != new_coordinate.row and not self._filling:
            self._held = True
