"""What the ticker tells the screens."""

from __future__ import annotations

from textual.message import Message

from console.feed import Look


class Looked(Message):
    """A tick is done. Only the newest matters: an older one still in the queue is replaced."""

    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, Looked)


class Replayed(Message):
    """The world at a moment in the past; `look` is None where it could not be had, for `trouble`."""

    def __init__(self, at: float, look: Look | None, trouble: str = "") -> None:
        super().__init__()
        self.at = at
        self.look = look
        self.trouble = trouble


class LookFailed(Message):
    """The tick itself could not be made: a broken workspace file, or our own fault."""

    def __init__(self, reason: str, code: int) -> None:
        super().__init__()
        self.reason = reason
        self.code = code

    def can_replace(self, message: Message) -> bool:
        return isinstance(message, LookFailed)
