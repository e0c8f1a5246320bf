"""What an experiment would do now: each act asked of its verb, which reads and never writes."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.blast import outside
from chaos.hosts import PLACE, elsewhere, known_hosts
from chaos.load import activities
from chaos.mending import breaks_anew
from chaos.verbs import acts_early, time_trouble, verb_of
from chaos.words import equivalent, of_verb
from keelwatch.runs.fields import mapping, text
from keelwatch.workspace.errors import KeelwatchError

if TYPE_CHECKING:
    from chaos.hosts import Host
    from chaos.load import Experiment
    from chaos.order import Order
    from keelwatch.ledger import Json, JsonObject
    from keelwatch.runs import Verb

FOREIGN = "not ours: nobody can predict it or take it back but the experiment's own rollbacks"


@dataclass(frozen=True, slots=True)
class Planned:
    """One activity. `effect` is what it would change, `undo` what takes it back, `trouble` why it cannot
    be."""

    part: str
    name: str
    type: str
    equivalent: str
    effect: str = ""
    undo: str = ""
    trouble: str = ""


def plan_of(
    experiment: Experiment, order: Order, verbs: Mapping[str, Verb], regions: Sequence[str]
) -> tuple[Planned, ...]:
    """In order: configuration, hypothesis, method, rollbacks."""
    values = static_values(experiment.data)
    found = []
    in_force = 0

    def hosts() -> Collection[Host]:
        return known_hosts(order.workspace, order.environment, order.sandbox)

    for _, part, activity in activities(experiment.data):
        provider = filled(mapping(activity, "provider"), values)
        assert isinstance(provider, dict)
        verb, args = verb_of(provider)
        radius = experiment.extension.blast_radius if experiment.extension is not None else None
        counted = 0 if part == "rollbacks" else in_force
        reason = outside(radius, verb, args, regions, counted) or elsewhere(args, hosts) if verb else ""
        if part == "rollbacks":
            reason = reason or breaks_anew(verb)
        reason = acts_early(part, verb) or reason or time_trouble(provider)
        told = Planned(
            part, text(activity, "name"), text(activity, "type"), equivalent(provider), trouble=reason
        )
        if verb and not reason:
            told = _predicted(told, verbs, verb, {**args, **order.place})
        elif told.type == "action" and text(provider, "module") != "chaos.actions":
            told = Planned(part, told.name, told.type, told.equivalent, effect=FOREIGN)
        in_force += bool(verb) and part == "method"
        found.append(told)
    return tuple(found)


def _predicted(told: Planned, verbs: Mapping[str, Verb], name: str, args: JsonObject) -> Planned:
    try:
        verb = verbs[name]
        prediction = verb.plan(args)
        undo = verb.undo(args, prediction.before)
    except KeyError:
        return Planned(told.part, told.name, told.type, told.equivalent, trouble=f"there is no verb {name!r}")
    except KeelwatchError as error:
        return Planned(told.part, told.name, told.type, told.equivalent, trouble=error.message)
    back = of_verb(undo.verb, _without_place(undo.args)) if undo is not None else "nothing takes it back"
    if told.part == "rollbacks":
        back = "nothing takes it back: it is a rollback"
    effect = prediction.summary or prediction.target
    return Planned(told.part, told.name, told.type, told.equivalent, effect, back)


def _without_place(args: JsonObject) -> JsonObject:
    return {key: value for key, value in args.items() if key not in PLACE}


def static_values(data: JsonObject) -> Mapping[str, Json]:
    """The variables of an experiment that are written in it."""
    configuration = mapping(data, "configuration")
    return {key: value for key, value in configuration.items() if not isinstance(value, dict)}


def filled(value: Json, values: Mapping[str, Json]) -> Json:
    """`value` with each `${name}` that is known filled in; one that stands alone keeps its type."""
    match value:
        case str():
            for name, known in values.items():
                if value == f"${{{name}}}":
                    return known
                value = value.replace(f"${{{name}}}", str(known))
            return value
        case dict():
            return {key: filled(inner, values) for key, inner in value.items()}
        case list():
            return [filled(inner, values) for inner in value]
    return value
