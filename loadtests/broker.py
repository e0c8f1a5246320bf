"""The run's side of its generators: who is there, what they tell, and what they must take back.

Its methods are called by the threads of the bridge.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from keelwatch.ledger import JsonObject
from keelwatch.runs import Run
from keelwatch.runs.fields import mapping, text, whole
from keelwatch.workspace.errors import Refused, UsageError
from keelwatch.workspace.secret import Secret
from loadtests.gathered import Gathered
from probes.book import Owed
from probes.taking_back import LIVING, Live
from probes.visit import Session

if TYPE_CHECKING:
    from probes.run_book import RunBook

AHEAD_S = 0.3
"""Between the last generator's question when it begins and the beginning."""
GATHER_S = 30.0
"""For all generators to be there; one that does not come makes the load another."""
UNDO_S = 20.0
MASTER = -1


class Broker:
    """`wanted` generators are expected. `lost` counts those that ended without a word: each has a line, so
    a thread of its own here. `left` counts those that said so, before they were told to end, and the first
    did when the load was `left_s` old; `done` are those whose arrivals have all come.
    `own_shape`: they have found one in the locustfile, which says how many users there are."""

    def __init__(self, run: Run, wanted: int, gathered: Gathered, book: RunBook) -> None:
        self._run = run
        self._wanted = wanted
        self._book = book
        self._owed: dict[int, Owed] = {}
        self._mutex = threading.Lock()
        self._everybody = threading.Event()
        self._lines: dict[int, int] = {}  # the number of the generator that a thread listens to
        self._heard: dict[int, float] = {}  # when each generator that is there told of a second (monotonic)
        self.gathered = gathered
        self.began: float | None = None
        self.there = self.done = self.lost = self.left = 0
        self.left_s: float | None = None
        self._is_over = False
        self.left_unanswered = 0
        self.refusals: dict[str, int] = {}
        self.unfit = ""
        self.own_shape = False

    @property
    def silent_s(self) -> float:
        """Since the generator that is silent for longest told of a second, once the load has begun: one that
        is frozen hides behind nobody."""
        with self._mutex:
            if self.began is None or not self._heard:
                return 0.0
            return time.monotonic() - max(min(self._heard.values()), self.began)

    @property
    def passed_s(self) -> float:
        """Since the load began; 0 before."""
        return 0.0 if self.began is None else max(0.0, time.monotonic() - self.began)

    @property
    def is_answered(self) -> bool:
        """Whether a request was answered well, the warm-up's too."""
        with self._mutex:
            return any(one.times.count > one.times.failed for one in self.gathered.seconds.values())

    def over(self) -> None:
        """From now on they are stopped: one that is killed for being slow about it is not lost."""
        self._is_over = True

    def hung_up(self) -> None:
        """In the thread of the line that ended: whoever did not say so before has died."""
        with self._mutex:
            self.lost += threading.get_ident() in self._lines and not self._is_over
            self._heard.pop(self._lines.pop(threading.get_ident(), MASTER), None)

    def answer(self, message: JsonObject) -> JsonObject | None:
        match message.get("do"):
            case "told":
                self._told(mapping(message, "told"))
                return None
            case "announce":
                return {"owed": self._announce(message)}
            case "report":
                self._report(message)
                return {}
            case "undo":
                return self._undo(text(message, "execution"), text(message, "access"))
            case word:
                return self._of_life(str(word), message)

    def _of_life(self, word: str, message: JsonObject) -> JsonObject | None:
        match word:
            case "hello":
                self.own_shape |= bool(message.get("own_shape"))
                return {"number": self._hello(is_master=bool(message.get("master")))}
            case "start":
                return {"at": self._start()}
            case "ping":
                return {"at": time.monotonic()}
            case "bye" | "done" | "refused" | "unfit":
                with self._mutex:
                    self._count(word, message)
                return None
        raise UsageError(f"no generator says {word!r}")

    def _count(self, word: str, message: JsonObject) -> None:
        match word:
            case "bye":
                self._leave(self._lines.pop(threading.get_ident(), MASTER))
            case "done":
                self.done += 1
                self.left_unanswered += whole(message, "left")
            case "unfit":
                self.unfit = text(message, "words")
            case _:
                words = text(message, "words")
                self.refusals[words] = self.refusals.get(words, 0) + 1

    def _leave(self, number: int) -> None:
        self._heard.pop(number, None)
        if number == MASTER or self._is_over:
            return
        self.left += 1
        if self.left_s is None:
            self.left_s = self.passed_s

    def _hello(self, *, is_master: bool) -> int:
        """A master only shares out users; it is none of the generators, but the load is lost with it too."""
        with self._mutex:
            number = MASTER if is_master else self.there
            self._lines[threading.get_ident()] = number
            if not is_master:
                self.there += 1
                self._heard[number] = time.monotonic()
        if self.there >= self._wanted:
            self._everybody.set()
        return number

    def _start(self) -> float:
        if not self._everybody.wait(GATHER_S):
            raise Refused(f"{self.there} of {self._wanted} generators came within {GATHER_S:g} s")
        with self._mutex:
            if self.began is None:
                self.began = time.monotonic() + AHEAD_S
            return self.began

    def _told(self, told: JsonObject) -> None:
        with self._mutex:
            self._heard[whole(told, "worker")] = time.monotonic()
            self.gathered.take(told)
        self._run.sample({"told": told})

    def _announce(self, message: JsonObject) -> int:
        owed = self._book.announce(
            text(message, "step"),
            text(message, "target"),
            mapping(message, "action"),
            mapping(message, "undo"),
        )
        with self._mutex:
            number = len(self._owed)
            self._owed[number] = owed
        return number

    def _report(self, message: JsonObject) -> None:
        with self._mutex:
            owed = self._owed[whole(message, "owed")]
        self._book.report(owed, {"status": whole(message, "status")})

    def _undo(self, execution: str, access: str) -> JsonObject:
        """With the session that the generator has: an account that logged in anew would wait for a code."""
        secret = Secret(access) if access else None
        session = Session("json", access=secret) if secret else None
        LIVING[execution] = Live(session, UNDO_S)
        try:
            found = self._book.undo(f"{execution}/")
        finally:
            LIVING.pop(execution, None)
            if secret is not None:
                secret.forget()
        return {"done": all(one.done for one in found)}


def told_by(record: Mapping[str, object]) -> JsonObject | None:
    """What a line of a load's stream says of a second; None for another line."""
    sample = record.get("sample")
    told = sample.get("told") if isinstance(sample, Mapping) else None
    return cast("JsonObject", told) if isinstance(told, Mapping) else None
