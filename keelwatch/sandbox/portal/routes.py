"""The route table: the one place that says which path and journey a route belongs to.

`ROUTES` is what the background customers use; `NEWER` is version 2, OpenID Connect and the pages. A route of
both versions has one `label`, so that an objective on it counts both.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Route:
    """`staff`: whether agents use it as well as customers. `label`: the metrics' `route`."""

    method: str
    path: str
    journey: str
    label: str
    version: str = "v1"
    staff: bool = True


def _web(method: str, path: str, journey: str, label: str) -> Route:
    return Route(method, path, journey, label, "web")


def _second(method: str, path: str, journey: str, label: str) -> Route:
    return Route(method, path, journey, label, "v2")


ROUTES: Mapping[str, Route] = {
    "login": Route("POST", "/v1/login", "log-in", "login"),
    "session": Route("GET", "/v1/session", "session-lifecycle", "session"),
    "lookup": Route("GET", "/v1/accounts/{account}", "look-up-account", "lookup"),
    "invoices": Route("GET", "/v1/invoices", "view-invoices", "invoices", staff=False),
    "plan-change": Route("POST", "/v1/plan", "change-plan", "plan-change", staff=False),
    "logout": Route("POST", "/v1/logout", "session-lifecycle", "logout"),
}
OIDC: Mapping[str, Route] = {
    "discovery": _web("GET", "/.well-known/openid-configuration", "log-in", "discovery"),
    "jwks": _web("GET", "/oauth/jwks", "log-in", "jwks"),
    "authorize": _web("GET", "/oauth/authorize", "log-in", "authorize"),
    "login-page": _web("GET", "/login", "log-in", "login-page"),
    "login-form": _web("POST", "/login", "log-in", "login-form"),
    "totp-page": _web("GET", "/login/totp", "log-in", "totp-page"),
    "totp-form": _web("POST", "/login/totp", "log-in", "totp-form"),
    "token": _web("POST", "/oauth/token", "log-in", "token"),
    "revoke": _web("POST", "/oauth/revoke", "session-lifecycle", "revoke"),
    "userinfo": _web("GET", "/oauth/userinfo", "session-lifecycle", "userinfo"),
    "oidc-logout": _web("POST", "/oauth/logout", "session-lifecycle", "logout"),
}
SECOND: Mapping[str, Route] = {
    "v2-session": _second("GET", "/v2/session", "session-lifecycle", "session"),
    "v2-close": _second("DELETE", "/v2/accounts/me", "register-and-close", "close"),
    "v2-lookup": _second("GET", "/v2/accounts/{account}", "look-up-account", "lookup"),
    "v2-invoices": _second("GET", "/v2/invoices", "view-invoices", "invoices"),
    "v2-plan": _second("GET", "/v2/plan", "change-plan", "plan"),
    "v2-plan-change": _second("PUT", "/v2/plan", "change-plan", "plan-change"),
    "v2-audit": _second("GET", "/v2/audit", "change-plan", "audit"),
    "v2-crm": _second("GET", "/v2/crm/me", "change-plan", "crm"),
    "v2-recovery": _second("POST", "/v2/recovery", "recover-password", "recovery"),
    "v2-recovery-complete": _second("POST", "/v2/recovery/complete", "recover-password", "recovery-complete"),
    "v2-register": _second("POST", "/v2/registrations", "register-and-close", "register"),
    "v2-register-confirm": _second(
        "POST", "/v2/registrations/confirm", "register-and-close", "register-confirm"
    ),
}
PAGES: Mapping[str, Route] = {
    "home-page": _web("GET", "/", "log-in", "home-page"),
    "callback-page": _web("GET", "/callback", "log-in", "callback-page"),
    "logout-page": _web("GET", "/logout", "session-lifecycle", "logout-page"),
    "overview-page": _web("GET", "/overview", "look-up-account", "overview-page"),
    "invoices-page": _web("GET", "/invoices", "view-invoices", "invoices-page"),
    "plan-page": _web("GET", "/plan", "change-plan", "plan-page"),
    "plan-form": _web("POST", "/plan", "change-plan", "plan-form"),
    "recover-page": _web("GET", "/recover", "recover-password", "recover-page"),
    "recover-form": _web("POST", "/recover", "recover-password", "recover-form"),
    "confirm-page": _web("GET", "/register/confirm", "register-and-close", "confirm-page"),
    "confirm-form": _web("POST", "/register/confirm", "register-and-close", "confirm-form"),
}
NEWER: Mapping[str, Route] = {**OIDC, **SECOND, **PAGES}
EVERY: Mapping[str, Route] = {**ROUTES, **NEWER}
# What customers change; logging in and out is no change, for without it nobody could read.
CHANGES = frozenset(
    {
        "plan-change",
        "v2-plan-change",
        "v2-close",
        "v2-recovery",
        "v2-recovery-complete",
        "v2-register",
        "v2-register-confirm",
    }
)
# What wishes for billing, and goes on without it.
WISHING = ("overview-page", "plan-change", "v2-plan-change", "plan-form")
# What a browser shows: there a refusal is a page.
SHOWN = frozenset({*PAGES, "authorize", "login-page", "login-form", "totp-page", "totp-form"})

CHANNELS = ("web", "app", "agent")
# Segment and channel of those who really come.
CUSTOMERS = (("home", "web"), ("home", "app"), ("business", "web"), ("business", "app"))
STAFF = (("staff", "agent"),)
UNKNOWN_SEGMENT = "unknown"


def audience(route: Route) -> tuple[tuple[str, str], ...]:
    """The (segment, channel) pairs that use `route`."""
    return (*CUSTOMERS, *STAFF) if route.staff else CUSTOMERS
