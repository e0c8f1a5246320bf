"""Signals that a process of this room hears and does not obey."""

from __future__ import annotations

from types import FrameType


def unmoved(_number: int, _frame: FrameType | None) -> None:
    """Instead of SIG_IGN, which every program started from here would inherit."""
