"""A screen that follows one run: what is new is read off the UI thread, until nothing more can come."""

from __future__ import annotations

import threading
from typing import override

from textual.message import Message

from console.feed import FeedLike
from console.tui.sheet_screen import SheetScreen
from keelwatch.workspace import redact

READ_S = 1.0


class RunRead[Story](Message):
    """Only the newest matters; `trouble` says why there is none."""

    def __init__(self, story: Story | None, trouble: str = "") -> None:
        super().__init__()
        self.story = story
        self.trouble = trouble

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, RunRead)


class FollowScreen[Story](SheetScreen):
    """Subclasses read the `Story` of the run, say when it is told, and draw it."""

    def __init__(self, run: str) -> None:
        super().__init__()
        self._run_id = run
        self._story: Story | None = None
        self._trouble = ""
        self._reading = False

    def read(self, feed: FeedLike, run: str) -> Story:
        raise TypeError(f"{type(self).__name__} reads nothing of {run} in {feed}")

    def is_told(self, story: Story) -> bool:
        """Whether nothing more can come."""
        raise TypeError(f"{type(self).__name__} never ends {story}")

    def twin(self, story: Story) -> str:
        raise TypeError(f"{type(self).__name__} has no command for {story}")

    def on_mount(self) -> None:
        super().on_mount()
        self._read()
        self.set_interval(READ_S, self._read)

    def on_screen_resume(self) -> None:
        self._read()

    def _read(self) -> None:
        """Off the UI thread, and never twice at a time."""
        if self._reading or (self._story is not None and self.is_told(self._story)):
            return
        self._reading = True
        feed, run = self.console_app.feed, self._run_id

        def read() -> None:
            try:
                self.post_message(RunRead(self.read(feed, run)))
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                self.post_message(RunRead[Story](None, redact(str(error))))

        threading.Thread(target=read, name="follow", daemon=True).start()

    def on_run_read(self, message: RunRead[Story]) -> None:
        self._reading, self._trouble = False, message.trouble
        if message.story is not None:
            self._story = message.story
        self.arrived()
        self.show(self.console_app.shown)

    def arrived(self) -> None:
        """What was asked for is there, or why it is not."""

    @property
    @override
    def command(self) -> str:
        return "" if self._story is None else self.twin(self._story)
