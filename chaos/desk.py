"""What the experiment's process asks of its run: to act, to take back, and how the world is."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from chaos.blast import outside
from chaos.hosts import Host, elsewhere, known_hosts
from chaos.mending import breaks_anew
from chaos.story import MENDS
from keelwatch.runs import UndoBy
from keelwatch.runs.fields import mapping, number, text, texts
from keelwatch.workspace.errors import LeftBehind, Refused, UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from chaos.notebook import Notebook
    from chaos.order import Order
    from chaos.spec import Extension
    from keelwatch.ledger import JsonObject
    from keelwatch.runs import Run
    from keelwatch.safety.around import Around
    from keelwatch.workspace.reading import Condition


class Desk:
    """The bridge's answers, each in the thread of whoever asks. Once `closed`, nothing acts any more; taking
    back, also by an act that is a rollback, and asking go on."""

    def __init__(
        self,
        run: Run,
        order: Order,
        extension: Extension | None,
        file: Path,
        around: Around,
        notebook: Notebook,
        regions: Sequence[str],
    ) -> None:
        self._run = run
        self._order = order
        self._extension = extension
        self._file = file
        self._around = around
        self._notebook = notebook
        self._regions = regions
        self._acting = threading.Lock()
        self._number = 0
        self._is_over = False
        self.closed = ""
        self.is_greeted = threading.Event()

    def close(self, why: str) -> None:
        """No more acts, of rollbacks either, and nothing is in the middle of one, when this returns."""
        self.closed = self.closed or why
        self._is_over = True
        with self._acting:
            pass

    def answer(self, message: JsonObject) -> JsonObject | None:
        match text(message, "do"):
            case "hello":
                return self._hello()
            case "hear":
                return {}  # what came before it on the same line is on record
            case "act":
                is_rollback = message.get("rolling_back") is True
                return self._act(text(message, "verb"), mapping(message, "args"), is_rollback=is_rollback)
            case "undo":
                return self._undo()
            case "ask":
                found = self._ask(message)
                return {"answer": found.answer, "evidence": found.evidence}
        self._notebook.take(message)
        return None

    def _hello(self) -> JsonObject:
        extension = self._extension
        every = extension.every.total_seconds() if extension is not None else 0.0
        self._notebook.take({"event": "beat"})
        self.is_greeted.set()
        return {
            "file": str(self._file),
            "every_s": every,
            "stop_at_deviation": extension is not None and extension.stop_at_deviation,
            "hosts": [list(one) for one in sorted(self._hosts())],
        }

    def _hosts(self) -> frozenset[Host]:
        return known_hosts(self._order.workspace, self._order.environment, self._order.sandbox)

    def _act(self, verb: str, args: JsonObject, *, is_rollback: bool) -> JsonObject:
        """One at a time, so that what is in force can be counted. One outside of the blast radius or of the
        environment is answered with the reason, and ends the experiment. A rollback adds nothing to what is
        in force, and nobody takes it back: so it sets no fault."""
        with self._acting:
            closed = self.closed or self._notebook.seen.out_of_bounds
            if self._is_over or (closed and not is_rollback):
                raise Refused(f"nothing acts any more: {closed}")
            if is_rollback and (reason := breaks_anew(verb)):
                raise Refused(reason, "break it in the method: what that did is taken back")
            radius = self._extension.blast_radius if self._extension is not None else None
            in_force = 0 if is_rollback else sum(effect.is_open for effect in self._run.effects)
            reason = outside(radius, verb, args, self._regions, in_force) or elsewhere(args, self._hosts)
            if not is_rollback and self._notebook.phase != "method":
                reason = f"{verb}: acts belong to the method"
            if reason:
                self._notebook.note(out_of_bounds=reason)
                self.closed = self.closed or reason
                return {"out_of_bounds": reason}
            self._number += 1
            step, undo = f"{self._number}-{verb}", UndoBy.VERB
            if is_rollback:
                step, undo = f"{MENDS}{step}", UndoBy.MENDS
            return self._run.act(verb, {**args, **self._order.place}, step=step, undo=undo)

    def _undo(self) -> JsonObject:
        outcomes = self._run.undo_all()
        left = [
            f"{one.effect.action.verb} on {one.effect.target}: {one.error}" for one in outcomes if one.error
        ]
        if left:
            raise LeftBehind("; ".join(left), "keelwatch heal")
        return {"undone": [f"{one.effect.action.verb} on {one.effect.target}" for one in outcomes]}

    def _ask(self, message: JsonObject) -> Condition:
        region = text(message, "region") or None
        match text(message, "what"):
            case "journey" if region is not None:
                return self._around.journeys(self._run, [text(message, "journey")], region)
            case "burn":
                most, window_s = number(message, "most"), number(message, "window_s")
                return self._around.burn_below(most, window_s, region, texts(message, "objectives"))
            case "promql":
                return self._around.promql_holds(text(message, "query"))
        raise UsageError("the run cannot be asked that", "see: docs/chaos.md")
