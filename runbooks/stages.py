"""From a step to the actions that carry it out, with the arguments that verbs take. Pure.

Whoever runs them adds where the estate is (`workspace`, `environment`). A step is one action, but for a ramp,
which is one for each of its stages.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, cast

from keelwatch.runs import Action
from runbooks.inputs import fill, fill_deep
from runbooks.verbs.catalogue import CATALOGUE

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.workspace.reader import StrictModel
    from runbooks.spec import Acting
    from runbooks.verbs.spec import EdgeWeight


class Mode(StrEnum):
    GRACEFUL = "graceful"
    UNGRACEFUL = "ungraceful"  # the old region is lost, and what only it has with it


ASKS_MODE = frozenset({"pg.promote", "redis.promote"})
ASKS_LIMIT = frozenset({"shell"})
ASKS_MOMENT = frozenset({"sessions.revoke"})
WHOLE = 100


@dataclass(frozen=True, slots=True)
class Stage:
    """An action, and how long (s) what it made must stand before the next one."""

    action: Action
    hold_s: float = 0.0


def stages_of(holder: Acting, values: Mapping[str, str], mode: Mode) -> tuple[Stage, ...]:
    """What a step, or its undo, does; nothing for an approval."""
    from runbooks.spec import arguments, given

    verbs = given(holder, tuple(CATALOGUE))
    if not verbs:
        return ()
    (verb,) = verbs
    if holder.edge_weight is not None and holder.edge_weight.to is not None:
        return tuple(_ramp(holder.edge_weight, values))
    action = action_of(verb, arguments(holder, verb), values, mode)
    within = getattr(holder, "within", None)  # an undo has none
    if verb in ASKS_LIMIT and within is not None:
        action = Action(verb, {**action.args, "within_s": within.total_seconds()})
    return (Stage(action),)


def at_moment(action: Action, now: float) -> Action:
    """`action` as of `now` (Unix s), for those that are about what was before: to the end of the run they are
    asked whether it is still so, and customers who came after are none of their business."""
    if action.verb not in ASKS_MOMENT:
        return action
    return Action(action.verb, {**action.args, "begun_before": now})


def action_of(verb: str, written: object, values: Mapping[str, str], mode: Mode) -> Action:
    """`verb` with the arguments that stand under it, or the text of a `human`."""
    if isinstance(written, str):
        return Action(verb, {"text": fill(written, values)})
    args = _plain(cast("StrictModel", written))
    if verb in ASKS_MODE:
        args["mode"] = mode.value
    return Action(verb, cast("JsonObject", fill_deep(args, values)))


def _ramp(one: EdgeWeight, values: Mapping[str, str]) -> Sequence[Stage]:
    """Each stage gives `to` its share, and `away_from` the rest, whether anybody is up there or not."""
    to, away_from = fill(one.to or "", values), fill(one.away_from or "", values)
    hold_s = one.hold.total_seconds() if one.hold is not None else 0.0
    return [
        Stage(
            Action("edge.weight", {"weights": {to: share, away_from: WHOLE - share}, "leaving": [away_from]}),
            hold_s,
        )
        for share in one.ramp or [WHOLE]
    ]


def _plain(model: StrictModel) -> dict[str, object]:
    """The keys as a file writes them; a duration in seconds, its key with `_s` behind. What was not given is
    left to the verb."""
    found: dict[str, object] = {}
    for name, field in type(model).model_fields.items():
        value, key = getattr(model, name), field.alias or name
        if isinstance(value, timedelta):
            found[f"{key}_s"] = value.total_seconds()
        elif value is not None:
            found[key] = value
    return found
