"""The route table: the one place that says which path and journey a route belongs to."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

VERSION = "v1"


@dataclass(frozen=True, slots=True)
class Route:
    """`staff`: whether agents use it as well as customers."""

    method: str
    path: str
    journey: str
    staff: bool = True


ROUTES: Mapping[str, Route] = {
    "login": Route("POST", "/v1/login", "log-in"),
    "session": Route("GET", "/v1/session", "session-lifecycle"),
    "lookup": Route("GET", "/v1/accounts/{account}", "look-up-account"),
    "invoices": Route("GET", "/v1/invoices", "view-invoices", staff=False),
    "plan-change": Route("POST", "/v1/plan", "change-plan", staff=False),
    "logout": Route("POST", "/v1/logout", "session-lifecycle"),
}
CHANNELS = ("web", "app", "agent")
# Segment and channel of those who really come.
CUSTOMERS = (("home", "web"), ("home", "app"), ("business", "web"), ("business", "app"))
STAFF = (("staff", "agent"),)
UNKNOWN_SEGMENT = "unknown"


def audience(route: Route) -> tuple[tuple[str, str], ...]:
    """The (segment, channel) pairs that use `route`."""
    return (*CUSTOMERS, *STAFF) if route.staff else CUSTOMERS
