"""What a search for capacity leaves behind: a fact that later decisions may rest on, while it is fresh and of
the same version."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.runs.fields import number, text

if TYPE_CHECKING:
    from keelwatch.ledger import Fact, JsonObject

CAPACITY = "capacity"


@dataclass(frozen=True, slots=True)
class Capacity:
    """Journeys per second of `profile` in all regions together: at `last_ok` everything that was asked held,
    `objective` among it, at `first_breach` not any more. None: the highest rate that was tried still held, or
    the next one, `out_of_reach`, could not be pushed from there. `at` is Unix time."""

    environment: str
    profile: str
    objective: str
    last_ok: float
    first_breach: float | None
    at: float
    out_of_reach: float | None = None

    def payload(self) -> JsonObject:
        return {
            "environment": self.environment,
            "profile": self.profile,
            "objective": self.objective,
            "last_ok": self.last_ok,
            "first_breach": self.first_breach,
            "out_of_reach": self.out_of_reach,
        }


def capacity_of(fact: Fact) -> Capacity | None:
    """None for a fact that is none of capacity."""
    body = fact.body
    if fact.event != CAPACITY:
        return None
    return Capacity(
        environment=text(body, "environment"),
        profile=text(body, "profile"),
        objective=text(body, "objective"),
        last_ok=number(body, "last_ok"),
        first_breach=_rate(body, "first_breach"),
        at=fact.at,
        out_of_reach=_rate(body, "out_of_reach"),
    )


def _rate(body: JsonObject, key: str) -> float | None:
    found = body.get(key)
    return float(found) if isinstance(found, int | float) else None
