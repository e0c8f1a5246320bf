"""What the experiment's process tells its run, and keeps in a file of its own: one thread writes, so that a
signal in the main thread never tears a line."""

from __future__ import annotations

import os
import queue
import threading
import time
from pathlib import Path

from keelwatch.ledger.fact import JsonObject, canonical
from keelwatch.runs.bridge import Line
from keelwatch.workspace.errors import KernelError
from keelwatch.workspace.sink import narrate

JOURNAL = "journal.jsonl"
BEAT_S = 0.5
LAST_WORDS_S = 5.0


class Telling:
    """Each event is on the disk before the run hears of it. Without any, a beat says that this process
    lives."""

    def __init__(self, line: Line, folder: Path) -> None:
        self._line = line
        self._file = (folder / JOURNAL).open("ab", buffering=0)
        self._events: queue.SimpleQueue[JsonObject | threading.Event | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._write, name="telling", daemon=True)
        self._thread.start()

    def tell(self, event: str, **more: object) -> None:
        """From any thread, also in the middle of a signal."""
        self._events.put(as_json({"event": event, "at": time.time(), **more}))

    def is_heard(self) -> bool:
        """Whether the run has on record what was told until now; waits for it."""
        heard = threading.Event()
        self._events.put(heard)
        return heard.wait(LAST_WORDS_S)

    def close(self) -> None:
        """What was told is written when this returns."""
        self._events.put(None)
        self._thread.join(LAST_WORDS_S)

    def _write(self) -> None:
        try:
            while (event := self._next()) is not None:
                if isinstance(event, threading.Event):
                    self._line.call({"do": "hear"})
                    event.set()
                    continue
                if event.get("event") != "beat":
                    self._file.write(canonical(event).encode() + b"\n")
                    os.fsync(self._file.fileno())
                self._line.tell(event)
        except (KernelError, OSError) as error:
            narrate(f"the run does not hear any more: {error}")
            os._exit(70)  # an experiment that nobody watches ends; its run, or the guardian, takes back

    def _next(self) -> JsonObject | threading.Event | None:
        try:
            return self._events.get(timeout=BEAT_S)
        except queue.Empty:
            return {"event": "beat"}


def as_json(value: object) -> JsonObject:
    found = _plain(value)
    assert isinstance(found, dict)
    return found


LONGEST = 2000


def _plain(value: object) -> object:
    """What JSON can say of it, shortened."""
    match value:
        case None | bool() | int():
            return value
        case float():
            return value if value == value and abs(value) != float("inf") else str(value)
        case str():
            return value if len(value) <= LONGEST else value[:LONGEST] + "..."
        case dict():
            return {str(key): _plain(inner) for key, inner in list(value.items())[:100]}
        case list() | tuple() | set():
            return [_plain(inner) for inner in list(value)[:100]]
    return _plain(str(value))
