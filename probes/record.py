"""What happened in one execution of a journey: plain values, from the engine to every report.

Times of day are Unix seconds, durations end in `_s` or `_ms`. Everything in a record is redacted already.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

PHASES = ("dns", "connect", "tls", "send", "wait", "receive", "unaccounted")


class Result(StrEnum):
    PASS = "pass"  # noqa: S105 the verdict
    FAIL = "fail"
    INVALID = "invalid"  # our own fault, or the journey's: says nothing about the customer
    INCONCLUSIVE = "inconclusive"


class Cause(StrEnum):
    """What failed, in the order a request meets it."""

    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"
    HTTP = "http"  # no answer, a broken one, or a status that is not the expected one
    AUTH = "auth"  # the account was refused
    ASSERTION = "assertion"  # an answer came, and is not what it should be
    OURS = "ours"  # our own fault: no free account, a hook's bug, a stop

    @property
    def is_network(self) -> bool:
        return self in {Cause.DNS, Cause.TCP, Cause.TLS}


class StepState(StrEnum):
    OK = "ok"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Hop:
    """One request and its answer; a redirect is a hop of its own. `status` 0: no answer.

    `phases` in ms, `PHASES` at most; dns, connect and tls are missing on a reused connection. `wait` is
    corrected by the kernel's word where there is one. `tainted`: our own loop was late, so the times
    count for nothing. `tls_expires` is Unix s.
    """

    method: str
    url: str
    status: int
    phases: Mapping[str, float]
    reused: bool = False
    address: str = ""
    http: str = ""
    tls: str = ""
    tls_expires: float | None = None
    tls_serial: str = ""
    corrected: bool = False
    tainted: bool = False

    @property
    def total_ms(self) -> float:
        return sum(self.phases.values())

    @property
    def ours_ms(self) -> float:
        """What our own process took in it: told exactly, so that the rest counts."""
        return self.phases.get("unaccounted", 0.0)

    @property
    def theirs_ms(self) -> float:
        return self.total_ms - self.ours_ms


@dataclass(frozen=True, slots=True)
class Check:
    """One expectation: on `what`, what was `expected`, what was `found`."""

    what: str
    ok: bool
    expected: str
    found: str


@dataclass(frozen=True, slots=True)
class Exchange:
    """The last request of a step and its answer, redacted and cut to what a person reads. `curl` asks the
    same; secrets in it are variables."""

    request: str
    response: str
    curl: str


@dataclass(frozen=True, slots=True)
class Lag:
    """How long an effect took to show: between the bounds, for nobody looked in between."""

    name: str
    lower_s: float
    upper_s: float


@dataclass(frozen=True, slots=True)
class StepRecord:
    """`waited_s`: for the turn of a one-time code; it is no part of `took_ms`, nor is our own lateness.
    `captured`: names to values as they may be shown."""

    index: int
    name: str
    action: str
    state: StepState
    started_ms: float = 0.0
    took_ms: float = 0.0
    waited_s: float = 0.0
    hops: tuple[Hop, ...] = ()
    checks: tuple[Check, ...] = ()
    captured: Mapping[str, str] = field(default_factory=dict)
    retries: tuple[str, ...] = ()
    cause: Cause | None = None
    reason: str = ""
    lag: Lag | None = None
    exchange: Exchange | None = None


@dataclass(frozen=True, slots=True)
class Begun:
    """An execution as it sets out: known of it also when nothing more is heard. `started` is Unix s."""

    journey: str
    region: str
    component: str
    id: str
    account: str
    trace: str
    started: float


@dataclass(frozen=True, slots=True)
class UndoRecord:
    """`step`: its number from 0 and its action, as in `2-put`. `done`: verified too."""

    step: str
    done: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class Execution:
    """`took_s`: the customer's time; what our own bookkeeping and a late loop of ours took is not in it.
    `slip_s`: how much later than scheduled it began. `first_try`: no step needed a second attempt.
    `tainted`: at least one hop is. `lag_ms`: the longest our event loop was late meanwhile."""

    environment: str
    journey: str
    component: str
    region: str
    run: str
    id: str
    account: str
    trace: str
    started: float
    took_s: float
    result: Result
    reason: str
    cause: Cause | None
    failed_step: int | None
    steps: tuple[StepRecord, ...]
    undos: tuple[UndoRecord, ...] = ()
    first_try: bool = True
    tainted: bool = False
    lag_ms: float = 0.0
    slip_s: float = 0.0

    @property
    def left_behind(self) -> bool:
        return any(not undo.done for undo in self.undos)
