"""`edge.drain` and `edge.ready`: take a region's servers out softly, and back in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from keelwatch.adapters.arguments import amount, estate_in, place_in, word
from keelwatch.adapters.haproxy.runtime import EdgeServer, ask_access, command, look
from keelwatch.adapters.patience import Deadline
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.runs.fields import mapping
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError, UsageError
from keelwatch.workspace.estate import Edge
from keelwatch.workspace.reading import Condition

USUAL_WAIT_S, LONGEST_WAIT_S = 10.0, 20.0
ASK_S = 4.0
PAUSE_S = 0.2


@dataclass(frozen=True, slots=True)
class DrainVerb:
    """No new customers for a region's servers; those who are there may finish.

    Arguments: `region`, and `wait_s` (0..20, default 10): how long to wait for the sessions to end. It fails
    when some are left then; the servers stay in drain, and trying again only waits.
    """

    name: str = "edge.drain"
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = LONGEST_WAIT_S + 2 * ASK_S

    def plan(self, args: JsonObject) -> Prediction:
        edge, region, wait_s = _drain(args)
        now = look(edge)
        _refuse_darkness(edge, now, region)
        mine = [now[name] for name in edge.region(region)]
        sessions = sum(one.sessions for one in mine)
        summary = f"{region}: {_states(mine)} -> DRAIN; {sessions} sessions now, up to {wait_s:g} s to end"
        before: JsonObject = {"servers": {one.name: one.state for one in mine}}
        return Prediction(_target(args, edge, region), before, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        edge, region, wait_s = _drain(args)
        now = look(edge)
        _refuse_darkness(edge, now, region)
        names = edge.region(region)
        _set(edge, [name for name in names if not now[name].is_draining], "drain", Deadline.within(ASK_S))
        deadline = Deadline.within(wait_s)
        if not deadline.until(lambda: not _sessions(edge, names), PAUSE_S):
            left = _sessions(edge, names)
            raise SourceError(
                f"{region} still has {left} sessions {wait_s:g} s after it was set to drain",
                "wait and try again, or go on: they end when their region does",
            )
        return {"region": region, "sessions": 0}

    def check(self, args: JsonObject) -> Condition:
        try:
            edge, region, _ = _drain(args)
            now = look(edge)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        mine = [now[name] for name in edge.region(region)]
        sessions = sum(one.sessions for one in mine)
        evidence = f"{_states(mine)}; {sessions} sessions"
        done = all(one.is_draining for one in mine) and not sessions
        return Condition.yes(evidence) if done else Condition.no(evidence)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        states = mapping(before, "servers")
        were_in = [name for name, state in states.items() if state in {"UP", "DOWN"}]
        return Action("edge.ready", {**place_in(args), "servers": were_in}) if were_in else None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return ask_access(_drain(args)[0])


@dataclass(frozen=True, slots=True)
class ReadyVerb:
    """Servers take new customers again. Argument: `servers`, or `region` for all of its."""

    name: str = "edge.ready"
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = 2 * ASK_S

    def plan(self, args: JsonObject) -> Prediction:
        edge, names = _ready(args)
        now = look(edge)
        mine = [now[name] for name in names]
        before: JsonObject = {"servers": {one.name: one.state for one in mine}}
        what = word(args, "region") if "region" in args else ",".join(names)  # as its drain names it
        return Prediction(_target(args, edge, what), before, f"{_states(mine)} -> ready")

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        edge, names = _ready(args)
        _set(edge, names, "ready", Deadline.within(ASK_S))
        return {"servers": list(names)}

    def check(self, args: JsonObject) -> Condition:
        try:
            edge, names = _ready(args)
            now = look(edge)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        mine = [now[name] for name in names]
        out = any(one.is_draining or one.is_maintained for one in mine)
        return Condition.no(_states(mine)) if out else Condition.yes(_states(mine))

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None  # it is an undo itself

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return ask_access(_ready(args)[0])


def _drain(args: JsonObject) -> tuple[Edge, str, float]:
    edge = estate_in(args, "region", "wait_s").the_edge()
    region = word(args, "region")
    edge.region(region)
    return edge, region, amount(args, "wait_s", USUAL_WAIT_S, LONGEST_WAIT_S)


def _ready(args: JsonObject) -> tuple[Edge, tuple[str, ...]]:
    edge = estate_in(args, "region", "servers").the_edge()
    if "region" in args:
        return edge, tuple(edge.region(word(args, "region")))
    names = args.get("servers")
    known = {one for ones in edge.servers.values() for one in ones}
    if not isinstance(names, list | tuple) or not names or not known.issuperset(names):
        raise UsageError(f"`servers` must name some of {', '.join(sorted(known))}, got {names!r}")
    return edge, tuple(str(name) for name in names)


def _refuse_darkness(edge: Edge, now: Mapping[str, EdgeServer], region: str) -> None:
    """One region always serves."""
    mine = edge.region(region)
    if not any(one.serves for name, one in now.items() if name not in mine):
        raise Refused(
            f"draining {region} would leave no region serving: {_states(list(now.values()))}",
            "give another region that is up a weight above 0 first",
        )


def _set(edge: Edge, names: Sequence[str], state: str, deadline: Deadline) -> None:
    if names:
        command(edge, [f"set server {edge.backend}/{name} state {state}" for name in names], deadline)


def _sessions(edge: Edge, names: Sequence[str]) -> int:
    now = look(edge)
    return sum(now[name].sessions for name in names)


def _states(servers: Sequence[EdgeServer]) -> str:
    return ", ".join(f"{one.name} {one.weight} {one.state}" for one in servers)


def _target(args: JsonObject, edge: Edge, what: str) -> str:
    return f"{args['environment']}/edge/{edge.backend}/{what}"
