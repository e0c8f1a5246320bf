"""A table's columns, on a wide terminal and on a small one, and lines that are drawn in them. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

NARROW = 119  # below this many columns the table drops what can wait


@dataclass(frozen=True, slots=True)
class Column:
    key: str
    title: str
    width: int
    right: bool = False

    def fit(self, text: str) -> str:
        text = text if len(text) <= self.width else text[: self.width - 1] + "~"
        return text.rjust(self.width) if self.right else text.ljust(self.width)


@dataclass(frozen=True, slots=True)
class Layout:
    wide: tuple[Column, ...]
    small: tuple[Column, ...]

    def at(self, width: int) -> tuple[Column, ...]:
        return self.wide if width >= NARROW else self.small

    def fitted(self, texts: Mapping[str, str], width: int) -> dict[str, str]:
        return {column.key: column.fit(texts[column.key]) for column in self.at(width)}

    def across(self, line: str, width: int) -> dict[str, str]:
        """A line between rows, which heeds no column."""
        cells, at = {}, 0
        for column in self.at(width):
            cells[column.key] = line[at : at + column.width].ljust(column.width)
            at += column.width
        return cells

    def header(self, width: int) -> str:
        return "".join(column.fit(column.title) for column in self.at(width))
