"""What a run of an experiment has seen so far, told to the stream, the ledger and people as it happens."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from chaos.ahead import Ahead
from chaos.owed import OWED
from chaos.verdict import Answers, Seen
from keelwatch.ledger import JsonObject
from keelwatch.runs.fields import number, text, texts

if TYPE_CHECKING:
    from keelwatch.runs import Run

OURS = ("chaos.actions", "chaos.probes")
WHENS = ("before", "during", "after")
PHASES = {"before": "hypothesis, before the method", "after": "hypothesis, after the method"}
WHOLE = ("completed", "failed")
"""Words of Chaos Toolkit's for an experiment that went to its end, whatever it found."""
PLAIN: Mapping[str, Callable[[JsonObject], dict[str, object]]] = {
    "not-begun": lambda event: {"not_begun": text(event, "reason")},
    "refused": lambda event: {"out_of_bounds": text(event, "reason")},
    "overrun": lambda event: {"overrun": text(event, "reason")},
    "interrupted": lambda event: {"interrupted": text(event, "reason") or "from outside"},
    "ended": lambda event: {"ended": text(event, "status") in WHOLE},
}
"""Events that say one thing of what was seen."""


def is_unknown(event: JsonObject) -> bool:
    """Whether a hypothesis that does not hold is one of which nobody can tell."""
    return text(event, "status") == "failed" and event.get("ours") is True


def _first(before: Answers, event: JsonObject, *, is_dark: bool) -> str:
    """The probe to name: the first that did not hold, before one of which nobody could tell."""
    is_named = bool(before.first) and (is_dark or before.missed > 0 or event.get("met") is True)
    return before.first if is_named else text(event, "probe")


class Notebook:
    """Events come from the experiment's process, in their order; `take` may be called from any thread."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._seen = Seen()
        self._mutex = threading.Lock()
        self._owed: list[str] = []
        self._ahead = Ahead()
        self._has_begun = False
        self._method_at = 0.0
        self.phase = ""
        self.heard = time.monotonic()

    @property
    def seen(self) -> Seen:
        with self._mutex:
            return self._seen

    @property
    def is_on(self) -> bool:
        """Whether the faults of the method may be in force."""
        return self.phase in {"method", "after"}

    def note(self, **found: object) -> None:
        with self._mutex:
            self._seen = replace(self._seen, **found)  # type: ignore[arg-type]  # names are those of `Seen`

    def take(self, event: JsonObject) -> None:
        self.heard = time.monotonic()
        name = text(event, "event")
        if name == "beat":
            return
        self._run.sample(event)
        if name in PLAIN:
            self.note(**PLAIN[name](event))
        elif name == "began":
            self._ahead.plan(event)
            self._owe(texts(event, "rollbacks"))
        elif name == "phase":
            self._phase(text(event, "phase"), number(event, "at"))
        elif name == "hypothesis":
            self._hypothesis(event)
        elif name == "step":
            self._step(event)
        elif name == "control":
            self._control(event)

    def close(self) -> None:
        """Nothing more is heard. Rollbacks of the experiment's own that were not played are left behind, for
        nobody else can."""
        self.note(unfinished=(*self.seen.unfinished, *self._ahead.missing()))
        if self._has_begun and self._owed:
            words = [f"{name}: not played" for name in self._owed]
            self.note(rollbacks=(*self.seen.rollbacks, *words))

    def _owe(self, rollbacks: Sequence[str]) -> None:
        """On record before the method begins: whoever closes a run that died names them."""
        self._owed = list(rollbacks)
        if rollbacks:
            self._run.note(OWED, {"owed": list(rollbacks)})

    def _phase(self, phase: str, at: float) -> None:
        if phase == "method":
            self._has_begun, self._method_at = True, at
        elif self.phase == "method":
            self.note(method_s=at - self._method_at)
        self.phase = phase
        self._run.note("phase", {"phase": phase})
        self._run.say(PHASES.get(phase, phase))

    def _hypothesis(self, event: JsonObject) -> None:
        when, met = text(event, "when"), event.get("met") is True
        if when not in WHENS:
            return
        is_dark = not met and is_unknown(event)
        before: Answers = getattr(self.seen, when)
        after = replace(
            before,
            met=before.met + met,
            unknown=before.unknown + is_dark,
            missed=before.missed + (not met and not is_dark),
            first=_first(before, event, is_dark=is_dark),
        )
        self.note(**{when: after})
        if when != "during" or before.word != after.word:
            self._run.note(
                "hypothesis",
                {"when": when, "word": after.word, "probe": after.first, "output": event.get("output")},
            )
            self._run.say(f"hypothesis {when}: {after.word}" + (f" ({after.first})" if after.first else ""))

    def _step(self, event: JsonObject) -> None:
        phase, state, name = text(event, "phase"), text(event, "state"), text(event, "name")
        if phase not in {"method", "rollbacks"}:
            return
        self._run.note("step", {key: value for key, value in event.items() if key != "event"})
        if phase == "method":
            self._ahead.step(event)
        if state != "begun":
            error = text(event, "error")
            self._run.say(f"{name}: {state}" + (f", {error}" if error else ""))
        if phase == "rollbacks" and state in {"failed", "succeeded"} and name in self._owed:
            self._owed.remove(name)
        if state == "failed":
            self._failed(phase, event)
        elif state == "interrupted" and phase == "method":
            self.note(unfinished=(*self.seen.unfinished, name))

    def _failed(self, phase: str, event: JsonObject) -> None:
        words = f"{text(event, 'name')}: {text(event, 'error')}"
        if phase == "rollbacks":
            if event.get("own") is True:
                self.note(rollbacks=(*self.seen.rollbacks, words))
        elif text(event, "type") == "probe":
            self.note(probes=(*self.seen.probes, words))
        else:
            self.note(actions=(*self.seen.actions, words))

    def _control(self, event: JsonObject) -> None:
        if text(event, "state") == "crashed":
            self.note(crashed=self.seen.crashed or text(event, "reason"))
        else:
            self.note(gate=self.seen.gate or text(event, "name"))
        self._run.note("control", dict(event))
        self._run.say(f"control {text(event, 'name')}: {text(event, 'state')}")
