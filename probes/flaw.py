"""What is wrong with a journey, before it is tied to a line of its file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.workspace.reader import closest, problem

if TYPE_CHECKING:
    from keelwatch.workspace.document import Document, Loc
    from keelwatch.workspace.errors import Problem


@dataclass(frozen=True, slots=True)
class Flaw:
    """At `loc`: what was `found`, what was `expected`. `on_key`: the key of `loc` is meant, not its value."""

    loc: Loc
    found: str
    expected: str
    near: str = ""
    on_key: bool = False

    def problem(self, document: Document) -> Problem:
        return problem(
            document,
            self.loc,
            found=self.found,
            expected=self.expected,
            did_you_mean=self.near,
            on_key=self.on_key,
        )


def misspelt(word: str, known: Iterable[str]) -> str:
    """The known word that `word` is nearly, and not exactly; an empty text otherwise."""
    words = list(known)
    return "" if word in words else closest(word.lower(), words)
