"""A run that writes what a real one writes, as far as it is told to."""

from __future__ import annotations

from keelwatch.ledger import FactKind, JsonObject, LedgerStore
from keelwatch.runs import Phase, RunView, load
from keelwatch.runs.stream import StreamWriter
from keelwatch.workspace.paths import run_dir

ACTOR = "0:sre (claimed)"


class WrittenRun:
    """Whoever inherits writes what runs of its kind do between their begin and their end."""

    def __init__(self, store: LedgerStore, run: str, kind: str, name: str) -> None:
        self.store, self.run = store, run
        folder = run_dir(run)
        folder.mkdir(parents=True, mode=0o700)
        self._stream = StreamWriter(folder / "stream.jsonl")
        self.note("created", {"kind": kind, "name": name, "env": "sandbox"})

    def note(self, event: str, payload: JsonObject) -> None:
        self.store.append(self.run, FactKind.NOTE, {"event": event, **payload}, actor=ACTOR)

    def sample(self, event: JsonObject) -> None:
        self._stream.write({"sample": event})

    def ends(self, verdict: str, reason: str, code: int = 0) -> None:
        payload: JsonObject = {"verdict": verdict, "reason": reason, "exit": code, "left": []}
        self.store.append(self.run, FactKind.VERDICT, payload, actor=ACTOR)

    def view(self, phase: Phase = Phase.RUNNING) -> RunView:
        return RunView(load(self.store, self.run), phase, 4711)
