"""What calls of our own actions and probes name that is not there."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from chaos.blast import FAULT
from chaos.hosts import PLACE
from chaos.known import broken_promql, is_told
from chaos.terms import A_DURATION
from chaos.verbs import time_trouble, verb_of
from keelwatch.runs.fields import mapping, text
from keelwatch.workspace.faults import amount_of, names_of, values_of
from keelwatch.workspace.reader import closest, shown
from probes.flaw import Flaw

if TYPE_CHECKING:
    from chaos.known import Known
    from keelwatch.ledger import Json, JsonObject
    from keelwatch.workspace.document import Loc


def call_flaws(loc: Loc, provider: JsonObject, known: Known) -> Iterator[Flaw]:
    """`loc` is the provider's."""
    at, arguments = (*loc, "arguments"), mapping(provider, "arguments")
    if time_trouble(provider):
        yield Flaw((*at, "for_"), shown(arguments["for_"]), A_DURATION)
    match text(provider, "module"), text(provider, "func"):
        case "chaos.actions", "act":
            yield from known.verb((*at, "verb"), text(arguments, "verb"))
            yield from _act((*at, "arguments"), *verb_of(provider), known)
        case "chaos.actions", "fault":
            yield from _act(at, *verb_of(provider), known)
        case "chaos.probes", "journey_passes":
            yield from known.journey((*at, "journey"), text(arguments, "journey"))
            yield from known.region((*at, "region"), text(arguments, "region"))
        case "chaos.probes", "burn_below":
            yield from _objectives((*at, "objectives"), arguments, known)
            yield from known.region((*at, "region"), text(arguments, "region"))
        case "chaos.probes", "promql":
            yield from broken_promql((*at, "query"), text(arguments, "query"))


def _act(loc: Loc, verb: str, args: JsonObject, known: Known) -> Iterator[Flaw]:
    yield from known.region((*loc, "region"), text(args, "region"))
    for key in PLACE:
        if key in args:
            yield Flaw((*loc, key), f"where it acts ({key})", "nothing: the run says it")
    if verb == FAULT:
        yield from _fault((*loc, "fault"), text(args, "fault"), known)
        yield from _value((*loc, "value"), text(args, "fault"), args.get("value"))


def _fault(loc: Loc, fault: str, known: Known) -> Iterator[Flaw]:
    """Of a component of the workspace, and one of those that a sandbox can set there."""
    component = fault.partition(".")[0]
    unknown = list(known.component(loc, component))
    yield from unknown
    names = names_of(component)
    if not unknown and is_told(fault) and fault not in names:
        expected = f"one of {', '.join(names)}" if names else "a component that can be broken"
        yield Flaw(loc, f"the fault {fault!r}", expected, closest(fault, names))


def _value(loc: Loc, fault: str, value: Json) -> Iterator[Flaw]:
    """What the sandbox would refuse for this fault."""
    component, _, kind = fault.partition(".")
    if fault not in names_of(component) or (isinstance(value, str) and not is_told(value)):
        return
    if not isinstance(value, str) or amount_of(kind, value) is None:
        yield Flaw(loc, f"{fault} with {shown(value)}", values_of(kind))


def _objectives(loc: Loc, arguments: JsonObject, known: Known) -> Iterator[Flaw]:
    found = arguments.get("objectives")
    for index, one in enumerate(found if isinstance(found, list) else []):
        if isinstance(one, str):
            yield from known.objective((*loc, index), one)
