"""A screen from which something is done: off the UI thread, and told when it is done or refused."""

from __future__ import annotations

import threading
from collections.abc import Callable

from textual.message import Message

from console.tui.worldly import WorldlyScreen
from keelwatch.workspace import KeelwatchError, redact


class Acted(Message):
    """`words` say what was done, `trouble` why it was not; `then` goes on from it."""

    def __init__(self, words: str, trouble: str = "", then: Callable[[], None] | None = None) -> None:
        super().__init__()
        self.words = words
        self.trouble = trouble
        self.then = then


SAID_S = 10.0


class ActingScreen(WorldlyScreen):
    _words = ""
    _told_at = 0.0

    @property
    def said(self) -> str:
        """What became of the last key, for a while."""
        return self._words if self.console_app.clock.now() - self._told_at < SAID_S else ""

    def hush(self) -> None:
        self._words = ""

    def act(self, deed: Callable[[], str], then: Callable[[], None] | None = None) -> None:
        """Do `deed` in a thread; `then` is called back here once it is done."""

        def guarded() -> None:
            try:
                self.post_message(Acted(deed(), then=then))
            except Exception as error:  # noqa: BLE001 - a thread's traceback would be written over the screen
                self.post_message(Acted("", reason_of(error)))

        threading.Thread(target=guarded, name="act", daemon=True).start()

    def act_if(self, may: Callable[[], None], then: Callable[[], None]) -> None:
        """Ask `may`, which raises what is refused, so that nobody types a name in vain; else go on."""

        def ask() -> str:
            may()
            return ""

        self.act(ask, then)

    def on_acted(self, message: Acted) -> None:
        if message.trouble:
            self.refuse(message.trouble)
            return
        self.tell(message.words)
        if message.then is not None:
            message.then()

    def refuse(self, reason: str) -> None:
        """Say why a key did nothing."""
        self.tell(f"NOT DONE: {reason}")

    def tell(self, words: str) -> None:
        self._words, self._told_at = words, self.console_app.clock.now()
        if words:
            self.notify(words, severity="error" if words.startswith("NOT DONE") else "information")
        self.show(self.console_app.shown)


def reason_of(error: Exception) -> str:
    """Why something was not done, in one line."""
    if isinstance(error, KeelwatchError):
        hint = f"; {error.hint}" if error.hint else ""
        return redact(f"{error.message}{hint}")
    return redact(f"internal error: {type(error).__name__}: {error}")
