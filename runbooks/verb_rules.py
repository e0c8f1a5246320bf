"""What the arguments of a verb demand of each other, and of the step they stand in."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from probes.flaw import Flaw
from runbooks.spec import Acting, Step, UndoVerb, arguments, given
from runbooks.verbs.catalogue import ACTING, CATALOGUE
from runbooks.verbs.spec import EdgeDrain, EdgeWeight, HttpCall, Notify, PgPromote

if TYPE_CHECKING:
    from keelwatch.workspace.document import Loc

LONGEST_DRAIN = timedelta(seconds=20)
LONGEST_REPLAY = timedelta(seconds=10)
NO_TIME = timedelta(0)
SECRET_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key"})


def verb_flaws(step: Step, verb: str, loc: Loc) -> Iterator[Flaw]:
    look = RULES.get(verb)
    if look is not None:
        yield from look(step, (*loc, verb))
    if step.edge_weight is not None:
        yield from _ramp_in_time(step, step.edge_weight, loc)


def undo_flaws(step: Step, loc: Loc) -> Iterator[Flaw]:
    """Whether what takes the step back can be meant."""
    place, undo = (*loc, "undo"), step.undo
    if undo == "previous" and step.action in ACTING and not CATALOGUE[step.action].has_previous:
        found = f"`previous` beside {step.action}, which cannot restore what was before"
        yield Flaw(place, found, "`none`, or the verb that takes it back")
    if isinstance(undo, UndoVerb):
        verbs = given(undo, ACTING)
        if len(verbs) != 1:
            found = "no verb" if not verbs else "the verbs " + " and ".join(verbs)
            yield Flaw(place, found, "exactly one of " + ", ".join(ACTING))
            return
        look = RULES.get(verbs[0])
        if look is not None:
            yield from look(undo, (*place, verbs[0]))


def _edge_weight(holder: Acting, loc: Loc) -> Iterator[Flaw]:
    one = holder.edge_weight
    assert one is not None
    if (one.weights is None) == (one.to is None):
        found = "neither `weights` nor `to`" if one.to is None else "both `weights` and `to`"
        yield Flaw(loc, found, "exactly one of them")
        return
    if one.weights is not None:
        for key in sorted(one.model_fields_set & {"away_from", "ramp", "hold"}):
            yield Flaw((*loc, key), f"`{key}` beside `weights`", f"`{key}` beside `to`", on_key=True)
        if not any(one.weights.values()):
            yield Flaw(
                (*loc, "weights"), "no region with a weight", "at least one above 0: one always serves"
            )
        return
    if one.away_from is None:
        yield Flaw(loc, "`to` without `away_from`", "the region that loses the customers")
    elif one.away_from == one.to:
        yield Flaw((*loc, "away_from"), f"{one.to}, as in `to`", "another region")
    for index, (before, after) in enumerate(pairwise(one.ramp or []), start=1):
        if after <= before:
            yield Flaw((*loc, "ramp", index), f"{after} after {before}", "stages that rise")
    if one.hold is not None and not one.ramp:
        yield Flaw((*loc, "hold"), "`hold` without `ramp`", "the stages that it is for", on_key=True)


def _ramp_in_time(step: Step, one: EdgeWeight, loc: Loc) -> Iterator[Flaw]:
    whole = len(one.ramp or []) * (one.hold or NO_TIME)
    if step.within is not None and whole >= step.within > NO_TIME:
        found = f"{step.within.total_seconds():g}s"
        expected = f"more than its stages hold, {whole.total_seconds():g}s"
        yield Flaw((*loc, "within"), found, expected)


def _edge_drain(holder: Acting, loc: Loc) -> Iterator[Flaw]:
    assert isinstance(holder.edge_drain, EdgeDrain)
    yield from _at_most(holder.edge_drain.wait, LONGEST_DRAIN, (*loc, "wait"))


def _pg_promote(holder: Acting, loc: Loc) -> Iterator[Flaw]:
    assert isinstance(holder.pg_promote, PgPromote)
    yield from _at_most(holder.pg_promote.wait, LONGEST_REPLAY, (*loc, "wait"))


def _at_most(given_time: timedelta | None, most: timedelta, loc: Loc) -> Iterator[Flaw]:
    if given_time is not None and given_time > most:
        yield Flaw(loc, f"{given_time.total_seconds():g}s", f"at most {most.total_seconds():g}s")


def _http_call(holder: Acting, loc: Loc) -> Iterator[Flaw]:
    one = holder.http_call
    assert isinstance(one, HttpCall)
    is_path = one.url.startswith("/")
    if not is_path and not one.url.startswith(("http://", "https://", "$")):
        yield Flaw((*loc, "url"), repr(one.url), "a URL, or a path of the portal that begins with /")
    if one.region is not None and not is_path:
        yield Flaw((*loc, "region"), "`region` beside a URL", "a path of the portal", on_key=True)
    for name in one.headers:
        if name.lower() in SECRET_HEADERS:
            found, expected = f"the header {name} with a value", "`bearer`: where the token is"
            yield Flaw((*loc, "headers", name), found, expected, on_key=True)


def _notify(holder: Acting, loc: Loc) -> Iterator[Flaw]:
    one = arguments(holder, "notify")
    assert isinstance(one, Notify)
    if (one.webhook is None) == (one.command is None):
        found = "neither webhook nor command" if one.webhook is None else "both webhook and command"
        yield Flaw(loc, found, "exactly one of them")


RULES: Mapping[str, Callable[[Acting, Loc], Iterator[Flaw]]] = {
    "edge.weight": _edge_weight,
    "edge.drain": _edge_drain,
    "pg.promote": _pg_promote,
    "http.call": _http_call,
    "notify": _notify,
}
