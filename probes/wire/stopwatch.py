"""The times of one hop. Every moment between its start and its end belongs to exactly one phase."""

from __future__ import annotations

import time
from contextvars import ContextVar
from dataclasses import dataclass

from keelwatch.workspace.sink import redact
from probes.record import PHASES, Hop
from probes.wire.lag import LagMeter
from probes.wire.request import WireRequest

TELLING_LAG_MS = 5.0  # less does not matter
TELLING_SHARE = 0.05  # of the hop
CORRECTION_S = 0.001  # less is not worth a word
BETWEEN = "unaccounted"

running: ContextVar[Stopwatch | None] = ContextVar("running", default=None)
"""The hop that this task is on; the connection's stream tells it what happens."""


@dataclass(frozen=True, slots=True)
class Peer:
    """The other end of a connection; `expires` in Unix s. Empty where there is no TLS."""

    address: str = ""
    tls: str = ""
    expires: float | None = None
    serial: str = ""


class Stopwatch:
    """Starts when made. Durations inside are in s, monotonic.

    What the kernel says we noticed too late is taken from its phase and becomes `unaccounted`, so the sum
    stays what a wall clock shows.
    """

    def __init__(self, request: WireRequest, lag: LagMeter) -> None:
        self.request = request
        self.peer = Peer()
        self.reused = True  # until somebody connects
        self.began = time.monotonic()
        self.phase = BETWEEN
        self._lag = lag
        self._since = self.began
        self._late_s = 0.0
        self._heard_at = 0.0
        self._sure = True
        self._spent: dict[str, float] = {}
        self._corrected = False
        self._unsure_lag_ms = 0.0
        self._ended: float | None = None

    @property
    def heard(self) -> bool:
        """Whether any part of an answer has come."""
        return self._heard_at > 0

    def enter(self, phase: str, *, sure: bool = True) -> None:
        """The current phase ends, `phase` begins. `sure`: the kernel will say when we are late in it."""
        self._begin(phase, time.monotonic(), sure=sure)

    def _begin(self, phase: str, at: float, *, sure: bool = True) -> None:
        self._close(at)
        self.phase, self._sure = phase, sure

    def leave(self) -> None:
        self.enter(BETWEEN)

    def late(self, late_s: float | None, *, settles: bool = False) -> None:
        """So much of the current phase is our own lateness; None when that is unknown. `settles`: and no more
        than that."""
        if late_s is None:
            self._sure = False
            return
        self._late_s += late_s
        self._sure = self._sure or settles
        self._corrected = self._corrected or late_s >= CORRECTION_S

    def stalled(self, stall_s: float) -> None:
        """So long we may have been unable to look at the clock."""
        self._unsure_lag_ms = max(self._unsure_lag_ms, stall_s * 1000)

    def send(self) -> None:
        """A part of the request goes out; only after the last of them we wait."""
        if self.phase == "wait":
            self.enter("send", sure=False)
            self._spent["send"] = self._spent.get("send", 0.0) + self._spent.pop("wait", 0.0)
        elif self.phase != "send":
            self.enter("send", sure=False)

    def hear(self, at: float, late_s: float | None) -> None:
        """A part of the answer was read `at`, and had been lying there for `late_s`."""
        if self.phase == "wait":
            self.late(late_s)
            self._begin("receive", at)  # not now: whoever waits for it may run much later than the read
        elif late_s is None:
            self._sure = False
        self._heard_at = at - (late_s or 0.0)

    def freeze(self) -> None:
        """Cut off, in the phase that it is in."""
        self._ended = self._ended or time.monotonic()

    def stop(self) -> None:
        """The hop is over."""
        if self._ended is None:
            if self.phase == "receive":  # what we do with the answer is no part of receiving it
                self._close(max(self._since, self._heard_at))
                self.phase = BETWEEN
            self._ended = time.monotonic()

    def _close(self, at: float) -> None:
        duration_s = at - self._since
        if not self._sure:
            self._unsure_lag_ms = max(self._unsure_lag_ms, self._lag.worst_ms(self._since))
        if self.phase != BETWEEN:
            self._spent[self.phase] = self._spent.get(self.phase, 0.0) + max(0.0, duration_s - self._late_s)
        self._since, self._late_s, self._sure = at, 0.0, True

    def hop(self, status: int = 0, http: str = "") -> Hop:
        """The record of the hop, as far as it is known now."""
        now = self._ended or time.monotonic()
        phases = self._phases_ms(now)
        unsure_ms = self._unsure_lag_ms if self._sure else max(self._unsure_lag_ms, self._now_lag_ms())
        return Hop(
            method=self.request.method,
            url=redact(self.request.url),
            status=status,
            phases=phases,
            reused=self.reused and bool(phases.keys() & {"send", "wait", "receive"}),
            address=self.peer.address,
            http=http,
            tls=self.peer.tls,
            tls_expires=self.peer.expires,
            tls_serial=self.peer.serial,
            corrected=self._corrected,
            tainted=unsure_ms > max(TELLING_LAG_MS, TELLING_SHARE * (now - self.began) * 1000),
        )

    def _now_lag_ms(self) -> float:
        return self._lag.worst_ms(self._since)

    def _phases_ms(self, now: float) -> dict[str, float]:
        spent = dict(self._spent)
        if self.phase != BETWEEN:
            spent[self.phase] = spent.get(self.phase, 0.0) + max(0.0, now - self._since - self._late_s)
        spent[BETWEEN] = max(0.0, now - self.began - sum(spent.values()))
        return {phase: spent[phase] * 1000 for phase in PHASES if phase in spent}
