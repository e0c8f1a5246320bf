"""What can be broken, how, and for how long. Values in, values out; the supervisor acts on them.

    component       errors  latency  down  crash
    portal            x        x      x      x     worker processes
    identity          x        x      x            module of the workers: login, sessions, recovery
    accounts          x        x      x            module of the workers: look-up, plan change, registration
    billing           x        x      x      x     process per region: invoices
    notifications     x        x      x            module of the workers: sending mail
    edge              x        x      x      x     HAProxy; down and crash only in all regions
    database          x        x      x      x     PostgreSQL
    cache             x        x      x      x     Redis
    link                       x                   proxies between the regions

And what only some components can suffer:

    portal.slow-body  headers at once, and then the body in drops, for the time given; billing.slow-body too
    edge.reload       once: HAProxy reads its configuration anew and forgets its runtime weights; all regions
    database.killed   kill -9 of a region's PostgreSQL, which stays down until the fault ends
    database.paused   a region's standby goes on receiving, and replays nothing
    link.reset        connections between the regions, old and new ones, are reset
    link.blackhole    bytes vanish, nothing closes, connects hang; what lost bytes is reset in the end
    link.partition    nothing passes and connects hang; what was sent waits, as TCP has it, for the end

A fault of `link` in one region strikes the connections that start there. Latency counts per direction.

Defects are faults too: nothing fails or waits, but the portal does wrong.

    identity.enumeration      login and recovery tell whether an account exists
    identity.no-revocation    logout and revocation answer 200, and the tokens go on working
    accounts.audit-missing    a plan change leaves no entry in the audit trail
    billing.double-effect     a plan change repeated with its Idempotency-Key takes effect again

`errors` takes a share (`30%`), `latency` and `slow-body` a time (`300ms`, `1.5s`), everything else `on`. A
fault ends by itself: its end is written where the processes read it, so it ends with the supervisor dead too.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from keelwatch.sandbox.ports import REGIONS
from keelwatch.workspace import UsageError
from keelwatch.workspace.faults import DELAYS, FAULTS, LONGEST_DELAY_S, amount_of

EXAMPLES: Mapping[str, str] = {"errors": "30%", "latency": "300ms", "slow-body": "5s"}
"""A value of each kind that takes another than `on`."""
HAPPEN_ONCE = ("crash", "reload")
STOP_PROCESSES = ("down", "killed")
DEFAULT_SECONDS = 300.0
LONGEST_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class Fault:
    """`amount` is a ratio 0..1 for errors, seconds for latency and slow-body, 1 for everything else.

    `region` is None for all; `until` is a Unix time (s). `crash` and `reload` happen once, and end at once.
    `holder` is the mark of whoever set it and means to take back no other; empty for nobody.
    """

    id: str
    component: str
    kind: str
    amount: float
    region: str | None
    since: float
    until: float
    holder: str = ""

    @property
    def target(self) -> str:
        return f"{self.component}.{self.kind}"

    def strikes(self, region: str | None) -> bool:
        return self.region is None or region is None or self.region == region


def parse(target: str, value: str, region: str, for_s: float | None, at: float, holder: str = "") -> Fault:
    """The fault that `target` (`billing.errors`) and `value` (`100%`) ask for.

    Raises `UsageError` that says what is allowed instead.
    """
    component, _, kind = target.partition(".")
    _refuse_unknown(component, kind)
    where = region_of(region)
    if component == "edge" and kind in {"down", "crash", "reload"} and where is not None:
        raise UsageError(
            f"edge.{kind} cannot strike one region: one HAProxy serves both",
            "use --region all, or edge.errors and edge.latency per region",
        )
    lasts_s = DEFAULT_SECONDS if for_s is None else for_s
    if not 0 < lasts_s <= LONGEST_SECONDS:
        raise UsageError(f"a fault cannot last {lasts_s:g} s", "more than 0 s and at most 24 h")
    amount = _amount(kind, value)
    return Fault(id_of(target, where), component, kind, amount, where, at, at + lasts_s, holder)


def id_of(target: str, region: str | None) -> str:
    """One fault of a kind in a place: setting it again replaces it."""
    return f"{target}@{region or 'all'}"


def _refuse_unknown(component: str, kind: str) -> None:
    if component not in FAULTS:
        raise UsageError(f"no component {component!r} can be broken", _allowed())
    if kind not in FAULTS[component]:
        kinds = " ".join(f"{component}.{each}" for each in FAULTS[component])
        raise UsageError(f"{component} has no fault {kind!r}", f"allowed: {kinds}")


def refuse_unknown_target(target: str) -> None:
    """`target` names what may be cleared: a component, `billing.errors`, or an id. Raises `UsageError`."""
    component, _, kind = target.partition("@")[0].partition(".")
    if component not in FAULTS or (kind and kind not in FAULTS[component]):
        raise UsageError(f"there is no fault {target!r}", _allowed())


def _allowed() -> str:
    return "allowed: " + ", ".join(f"{name}.{'|'.join(kinds)}" for name, kinds in FAULTS.items())


def region_of(region: str) -> str | None:
    """None for all. Raises `UsageError`."""
    if region == "all":
        return None
    if region not in REGIONS:
        raise UsageError(f"there is no region {region!r}", "allowed: west, east, all")
    return region


def _amount(kind: str, value: str) -> float:
    amount = amount_of(kind, value)
    if amount is not None:
        return amount
    if kind == "errors":
        raise UsageError(f"{value!r} is not a share of requests", "above 0% and at most 100%, as in 30%")
    if kind in DELAYS:
        raise UsageError(f"{value!r} is not a delay", f"as in 300ms or 1.5s, at most {LONGEST_DELAY_S:g}s")
    raise UsageError(f"{kind} takes no {value!r}", "the only value is: on (end it with fault clear)")


def to_json(faults: Iterable[Fault]) -> str:
    return json.dumps([asdict(fault) for fault in faults])


def from_json(text: str) -> tuple[Fault, ...]:
    return tuple(Fault(**entry) for entry in json.loads(text))


def edge_map(faults: Iterable[Fault]) -> dict[str, int]:
    """The values HAProxy's map takes for these faults: shares in 1/10,000, delays in ms, ends in Unix s."""
    values: dict[str, int] = {}
    for fault in faults:
        if fault.component != "edge" or fault.kind not in {"errors", "latency"}:
            continue
        scale = 10_000 if fault.kind == "errors" else 1000
        for region in REGIONS:
            if fault.strikes(region):
                values[f"{region}-{fault.kind}"] = round(fault.amount * scale)
                values[f"{region}-{fault.kind}-until"] = int(fault.until) + 1
    return values
