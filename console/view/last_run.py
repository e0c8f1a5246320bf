"""How the last run of something went, in a few words. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from console.view import numbers

NEVER = "never run"


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest one that has ended. `words` are its verdict and reason."""

    run: str
    words: str
    at: float

    @property
    def outcome(self) -> str:
        """`pass` of `pass: p95 ...`."""
        return self.words.partition(":")[0]


def last_words(last: LastRun | None, now: float, beside: str = "") -> str:
    """`PASS 2h05m ago: p95 response time < 800 ms 48 ms`; `beside` stands before the colon."""
    if last is None:
        return NEVER
    _, _, reason = last.words.partition(": ")
    head = f"{last.outcome.upper()} {numbers.length(now - last.at)} ago{beside}"
    return f"{head}: {reason}" if reason else head
