"""The actions that a method was to carry out, against those that it did: one that a thread lost without a
word is missed all the same."""

from __future__ import annotations

from typing import TYPE_CHECKING

from keelwatch.runs.fields import text

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject


class Ahead:
    """Names may occur more than once, and are counted."""

    def __init__(self) -> None:
        self._left: list[str] = []
        self._begun: list[str] = []

    def plan(self, began: JsonObject) -> None:
        found = began.get("method")
        steps = [one for one in (found if isinstance(found, list) else []) if isinstance(one, dict)]
        self._left = [text(one, "name") for one in steps if text(one, "type") == "action"]

    def step(self, event: JsonObject) -> None:
        """Of the method."""
        name = text(event, "name")
        if text(event, "type") != "action" or name not in self._left:
            return
        if text(event, "state") == "begun":
            self._begun.append(name)
            return
        self._left.remove(name)
        if name in self._begun:
            self._begun.remove(name)

    def missing(self) -> tuple[str, ...]:
        """In words: what neither succeeded nor failed, and was not interrupted."""
        begun = list(self._begun)
        words = []
        for name in self._left:
            has_begun = name in begun
            if has_begun:
                begun.remove(name)
            words.append(f"{name} never {'ended' if has_begun else 'began'}")
        return tuple(words)
