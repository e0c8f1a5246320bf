"""The closed catalogue of verbs: which act, how a second attempt is made safe, and what takes them back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from keelwatch.runs import EffectClass


@dataclass(frozen=True, slots=True)
class Entry:
    """`acts`: it changes the world, so it wants an `undo`. `has_previous`: it can restore what was before."""

    effect: EffectClass
    acts: bool = True
    has_previous: bool = False


CATALOGUE: Mapping[str, Entry] = {
    "edge.weight": Entry(EffectClass.DESIRED_STATE, has_previous=True),
    "edge.drain": Entry(EffectClass.DESIRED_STATE, has_previous=True),
    "edge.ready": Entry(EffectClass.DESIRED_STATE),
    "pg.lag": Entry(EffectClass.DESIRED_STATE, acts=False),
    "pg.fence": Entry(EffectClass.CHECKABLE, has_previous=True),
    "pg.unfence": Entry(EffectClass.CHECKABLE),
    "pg.promote": Entry(EffectClass.CONDITIONAL),
    "pg.rejoin": Entry(EffectClass.DESIRED_STATE),
    "redis.promote": Entry(EffectClass.DESIRED_STATE, has_previous=True),
    "redis.rejoin": Entry(EffectClass.DESIRED_STATE),
    "http.call": Entry(EffectClass.KEYED),
    "sessions.revoke": Entry(EffectClass.DESIRED_STATE),
    "flag.set": Entry(EffectClass.DESIRED_STATE, has_previous=True),
    "probe": Entry(EffectClass.DESIRED_STATE, acts=False),
    "slo.hold": Entry(EffectClass.DESIRED_STATE, acts=False),
    "human": Entry(EffectClass.OPAQUE, acts=False),
    "notify": Entry(EffectClass.OPAQUE, acts=False),
    "shell": Entry(EffectClass.OPAQUE),
}

BY_THE_RUN = frozenset({"human", "probe", "slo.hold"})
"""What the run does itself, without a verb that could be run by another process."""

APPROVE = "approve"
"""An action of a step, and no verb: a person's yes is a fact of its own."""

ACTIONS = (*CATALOGUE, APPROVE)
ACTING = tuple(verb for verb, entry in CATALOGUE.items() if entry.acts)
