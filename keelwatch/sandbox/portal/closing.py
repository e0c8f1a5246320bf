"""What the portal's switches close, and what it says then."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from keelwatch.sandbox.portal.routes import CHANGES, PAGES
from keelwatch.sandbox.service.switches import Switches

MAINTENANCE_S = 60


@dataclass(frozen=True, slots=True)
class Closed:
    """`error` is for programs, `words` are for people."""

    status: int
    error: str
    words: str
    headers: Mapping[str, str] = field(default_factory=dict)


MAINTENANCE = Closed(
    503,
    "maintenance",
    "We are working on it, and nothing can be changed meanwhile. Please come back in a few minutes.",
    {"retry-after": str(MAINTENANCE_S)},
)
NO_REGISTRATION = Closed(403, "registration-closed", "Nobody can register at the moment.")


def closed(route: str, region: str, switches: Switches) -> Closed | None:
    """Why `route` does not answer in `region` now, if so."""
    if (route in PAGES or route in CHANGES) and switches.is_on("maintenance", region):
        return MAINTENANCE
    if route == "v2-register" and not switches.is_on("self-registration", region):
        return NO_REGISTRATION
    return None
