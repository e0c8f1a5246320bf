"""A DataTable that repaints only the rows that changed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from rich.text import Text
from textual.geometry import Region
from textual.widgets import DataTable


class LiveTable(DataTable[Text]):
    """`DataTable.update_cell` repaints the whole widget, and Textual writes every repainted region
    again; so updates are muted, and each changed row is repainted once. Column widths are fixed."""

    _muted = False

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
        """Show exactly `rows`, the cursor staying on its row where that is still there."""
        at = self.cursor_row
        before = self.order()
        selected = before[at] if 0 <= at < len(before) else None
        self.clear()
        for key, cells in rows:
            self.add_row(*cells.values(), key=key)
        keys = [key for key, _ in rows]
        if selected in keys:
            self.move_cursor(row=keys.index(selected), animate=False)
