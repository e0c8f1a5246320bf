"""What a guard answers, told in the stream of the run that it guards, and read there again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.runs.fields import mapping, text

if TYPE_CHECKING:
    from keelwatch.runs import Run, StreamLine
    from keelwatch.workspace.reading import Condition


@dataclass(frozen=True, slots=True)
class GuardSaid:
    """The last answer of one limit: yes, no or unknown, and what it rests on."""

    answer: str
    because: str
    at: float


class GuardTelling:
    """Into the stream, whenever an answer is another."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._told: dict[str, str] = {}

    def tell(self, answers: Mapping[str, Condition]) -> None:
        for name, found in answers.items():
            words = f"{found.answer}: {found.evidence}"
            if self._told.get(name) != words:
                self._told[name] = words
                said = {"limit": name, "answer": str(found.answer), "because": found.evidence}
                self._run.sample({"guard": said})


def guard_said(line: StreamLine) -> tuple[str, GuardSaid] | None:
    """A limit and its answer; None for a line that tells something else."""
    said = mapping(mapping(line.record, "sample"), "guard")
    if not said:
        return None
    return text(said, "limit"), GuardSaid(text(said, "answer"), text(said, "because"), line.at)
