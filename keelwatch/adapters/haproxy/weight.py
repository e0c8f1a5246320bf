"""`edge.weight`: how much of the customers each region gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from keelwatch.adapters.arguments import counts, estate_in, place_in, truth, words
from keelwatch.adapters.haproxy.runtime import EdgeServer, ask_access, command, look, of_regions
from keelwatch.adapters.patience import Deadline
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError, UnknownResult, UsageError
from keelwatch.workspace.estate import Edge
from keelwatch.workspace.reading import Condition

NAME = "edge.weight"
LOST = "a reload lost it?"
"""In the evidence of a check, where it is so."""
HEAVIEST = 256  # HAProxy's own limit
SETTLE_S = 6.0
KNOWN = ("weights", "servers", "instead_of", "need_up", "leaving")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the arguments ask for: `weights` by server. `instead_of` are those it takes back, `leaving` the
    regions that need nobody up."""

    edge: Edge
    weights: Mapping[str, int]
    instead_of: Mapping[str, int]
    need_up: bool
    leaving: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class WeightVerb:
    """Set the weights of servers; a reload of HAProxy loses them, and the check then says no.

    Arguments: `weights` (region to the weight of each of its servers, 0..256) or `servers` (server to
    weight). `leaving` are regions that customers are led away from, in stages: whether somebody is up there
    does not matter. The rest are for taking back: `instead_of` (the weights that it takes back) and
    `need_up: false` (as before, even where nobody is up). What somebody else has moved since is left alone:
    weights that are neither those of the plan nor the wanted ones are refused.
    """

    name: str = NAME
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        wish = _wish(args)
        now = look(wish.edge)
        _refuse_darkness(wish, now)
        before = {name: now[name].weight for name in wish.weights}
        values: JsonObject = {"servers": before, "wanted": dict(wish.weights)}
        return Prediction(_target(args, wish.edge), values, _in_words(wish, now))

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        wish, deadline = _wish(args), Deadline.within(SETTLE_S - 1)
        now = look(wish.edge, deadline.left_s)
        _refuse_darkness(wish, now)
        _refuse_stale(wish, now, counts(attempt.before, "servers", HEAVIEST))
        changed = {name: weight for name, weight in wish.weights.items() if now[name].weight != weight}
        if changed:
            _assert(wish.edge, changed, deadline)
        return {"servers": dict(wish.weights), "changed": sorted(changed)}

    def check(self, args: JsonObject) -> Condition:
        try:
            wish = _wish(args)
            now = look(wish.edge)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        return judge(wish, now)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        back: JsonObject = {
            "servers": counts(before, "servers", HEAVIEST),
            "instead_of": counts(before, "wanted", HEAVIEST),
            "need_up": False,
        }
        return Action(NAME, {**place_in(args), **back})

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return ask_access(_wish(args).edge)


def judge(wish: Wish, now: Mapping[str, EdgeServer]) -> Condition:
    """Whether the edge does what was wished for."""
    other = {name: weight for name, weight in wish.weights.items() if now[name].weight != weight}
    if other:
        told = "; ".join(f"{name} has {now[name].weight}, not {weight}" for name, weight in other.items())
        return Condition.no(told + _lost(now[name] for name in other))
    dark = [region for region in _dark(wish, now) if region not in wish.leaving]
    if wish.need_up and dark:
        return Condition.no(f"no server of {dark[0]} is up: {_states(wish, now)}")
    return Condition.yes(_states(wish, now))


def _wish(args: JsonObject) -> Wish:
    edge = estate_in(args, *KNOWN).the_edge()
    regions, servers = counts(args, "weights", HEAVIEST), counts(args, "servers", HEAVIEST)
    if bool(regions) == bool(servers):
        raise UsageError("give either `weights` (by region) or `servers`")
    known = [one for ones in edge.servers.values() for one in ones]
    strange = [one for one in servers if one not in known]
    if strange:
        raise UsageError(f"the edge has no server {strange[0]!r}", "there are: " + ", ".join(known))
    by_region = {one: weight for region, weight in regions.items() for one in edge.region(region)}
    leaving = words(args, "leaving")
    for region in leaving:
        edge.region(region)
    return Wish(
        edge,
        by_region or servers,
        counts(args, "instead_of", HEAVIEST),
        truth(args, "need_up", default=True),
        frozenset(leaving),
    )


def _target(args: JsonObject, edge: Edge) -> str:
    """One for all regions: their weights mean something only beside each other."""
    return f"{args['environment']}/edge/{edge.backend}"


def _assert(edge: Edge, weights: Mapping[str, int], deadline: Deadline) -> None:
    lines = [f"set server {edge.backend}/{name} weight {weight}" for name, weight in weights.items()]
    try:
        command(edge, lines, deadline)
    except SourceError as error:
        if "does not answer" in error.message:
            raise UnknownResult(f"{error.message}; the weights may yet be set", error.hint) from None
        raise


def _refuse_stale(wish: Wish, now: Mapping[str, EdgeServer], before: Mapping[str, int]) -> None:
    """A late attempt must not win over what was decided since. What a reload brought back is nobody's
    decision."""
    for name, weight in wish.weights.items():
        taken_back = wish.instead_of.get(name)
        expected = {weight, taken_back} if wish.instead_of else {weight, before.get(name, weight)}
        if now[name].weight not in expected | {now[name].configured}:
            raise Refused(
                f"somebody set the weight of {name} to {now[name].weight} since this was planned",
                f"see who: keelwatch timeline; wanted here: {weight}",
            )


def _refuse_darkness(wish: Wish, now: Mapping[str, EdgeServer]) -> None:
    """One region always serves: not even for a moment do all weights fall to zero."""
    if not wish.need_up:
        return
    dark = [region for region in _dark(wish, now) if _rises(wish, now, region)]
    if dark:
        raise Refused(
            f"no server of {dark[0]} is up, so nobody would be served there: {_states(wish, now)}",
            "bring it up first, or give it the weight 0",
        )
    after = {name: wish.weights.get(name, one.weight) for name, one in now.items()}
    if not any(after[one.name] and one.is_up and not one.is_draining for one in now.values()):
        raise Refused(
            "these weights would leave no region serving", "give a region that is up a weight above 0"
        )


def _rises(wish: Wish, now: Mapping[str, EdgeServer], region: str) -> bool:
    """Whether it is to get more than it has: a region that is lost may be left in stages."""
    servers = of_regions(wish.edge, now)[region]
    return any(wish.weights.get(one.name, 0) > one.weight for one in servers)


def _dark(wish: Wish, now: Mapping[str, EdgeServer]) -> list[str]:
    """Regions that are to get customers and have nobody up to serve them."""
    return [
        region
        for region, servers in of_regions(wish.edge, now).items()
        if any(wish.weights.get(one.name) for one in servers)
        and not any(one.is_up and not one.is_draining for one in servers)
    ]


def _lost(others: Iterable[EdgeServer]) -> str:
    """A reload loses all: where one weight is somebody's decision, the rest may be as well."""
    return f" (as configured: {LOST})" if all(one.weight == one.configured for one in others) else ""


def _states(wish: Wish, now: Mapping[str, EdgeServer]) -> str:
    shown = [name for name in now if name in wish.weights]
    return ", ".join(f"{name} {now[name].weight} {now[name].state}" for name in shown)


def _in_words(wish: Wish, now: Mapping[str, EdgeServer]) -> str:
    after = {name: wish.weights.get(name, one.weight) for name, one in now.items()}
    before = {name: one.weight for name, one in now.items()}
    return "; ".join(
        f"{region}: weight {_span(servers, before)} -> {_span(servers, after)}, "
        f"{_share(servers, now, before)} -> {_share(servers, now, after)} of new customers"
        for region, servers in of_regions(wish.edge, now).items()
    )


def _span(servers: Sequence[EdgeServer], weights: Mapping[str, int]) -> str:
    found = sorted({weights[one.name] for one in servers})
    return str(found[0]) if len(found) == 1 else f"{found[0]}..{found[-1]}"


def _share(servers: Sequence[EdgeServer], now: Mapping[str, EdgeServer], weights: Mapping[str, int]) -> str:
    """Of the new customers, as far as the balancing goes by weight."""
    able = {name for name, one in now.items() if one.is_up and not one.is_draining}
    total = sum(weights[name] for name in able)
    mine = sum(weights[one.name] for one in servers if one.name in able)
    return f"{mine / total:.0%}" if total else "none"
