"""A table of what a book knows of the present: read off the UI thread, its rows aging with every second."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import override

from textual.binding import Binding, BindingType
from textual.message import Message

from console.feed import FeedLike
from console.tui.table_screen import Cells, TableScreen, keys_of_table
from console.view.world import World
from keelwatch.workspace import redact

READ_S = 2.0


class BookRead[Page](Message):
    """Only the newest matters."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.page = page

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, BookRead)


def keys_of_book(screen: str) -> list[BindingType]:
    return [
        Binding("slash", "filter", "filter", id=f"{screen}.filter", key_display="/"),
        Binding("y", "copy", "copy", id=f"{screen}.copy", tooltip="copy the command that shows the same"),
        Binding("escape", "back", "back", id=f"{screen}.back", key_display="esc"),
        *keys_of_table(screen),
    ]


class BookScreen[Page, Row](TableScreen):
    """Subclasses read a `Page`, choose its rows (`rows`, into `_shown`), and draw them and what is around."""

    blank: Callable[..., Page]  # of an environment, at a time, with its `trouble`

    def __init__(self) -> None:
        super().__init__()
        self._page: Page | None = None
        self._shown: dict[str, Row] = {}
        self._reading = False

    def read(self, feed: FeedLike, now: float) -> Page:
        raise TypeError(f"{type(self).__name__} reads nothing of {feed} at {now}")

    def cells(self, row: Row) -> Cells:
        raise TypeError(f"{type(self).__name__} has no cells of {row}")

    def on_mount(self) -> None:
        super().on_mount()
        self._read()
        self.set_interval(READ_S, self._read)

    def on_screen_resume(self) -> None:
        self._read()

    def _read(self) -> None:
        """Off the UI thread, and never twice at a time: files may lie on a slow disk."""
        if self._reading:
            return
        self._reading = True
        feed, now = self.console_app.feed, self._now

        def read() -> None:
            try:
                page = self.read(feed, now)
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                page = self.blank(self.console_app.world.environment, now, trouble=redact(str(error)))
            self.post_message(BookRead(page))

        threading.Thread(target=read, name="book", daemon=True).start()

    def on_book_read(self, message: BookRead[Page]) -> None:
        self._reading = False
        self._page = message.page
        self.show(self.console_app.shown)

    @property
    def _now(self) -> float:
        """Of the present, also in a replay."""
        return self.console_app.clock.now()

    @override
    def row(self, key: str, world: World) -> Cells | None:
        row = self._shown.get(key)
        return self.cells(row) if row is not None else None

    def selected(self) -> Row | None:
        return self._shown.get(self.table.at_cursor() or "")

    def show_time(self, world: World) -> None:
        super().show_time(world)
        if self._drawable and self._page is not None:
            self.show_body(world)

    def action_back(self) -> None:
        """First out of the filter, then out of the screen."""
        if self._filter or self.query_one("#filter").display:
            self.action_clear_filter()
        else:
            self.app.pop_screen()
