"""What is wrong with an experiment, before it is tied to a line of its file."""

from __future__ import annotations

from dataclasses import dataclass

type Loc = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Flaw:
    """`words` say what is wrong at `loc`, `near` what may have been meant."""

    loc: Loc
    words: str
    near: str = ""
    expected: str = "what Chaos Toolkit takes"
