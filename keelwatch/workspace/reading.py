"""What is known about the world: a value, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class Value:
    """A finite number. `at` is the Unix time (s) it holds for; `partial` says that the
    history behind it is shorter than the window asked for."""

    value: float
    at: float
    source: str = ""
    partial: bool = False


@dataclass(frozen=True, slots=True)
class Unknown:
    """No number, and why. Never drawn as good."""

    reason: str
    at: float
    source: str = ""


Reading = Value | Unknown


class Answer(StrEnum):
    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Condition:
    """The answer to a question asked of the world, with what it rests on."""

    answer: Answer
    evidence: str

    @classmethod
    def yes(cls, evidence: str) -> Condition:
        return cls(Answer.YES, evidence)

    @classmethod
    def no(cls, evidence: str) -> Condition:
        return cls(Answer.NO, evidence)

    @classmethod
    def unknown(cls, evidence: str) -> Condition:
        return cls(Answer.UNKNOWN, evidence)
