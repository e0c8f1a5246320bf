"""Which part answers which route."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping

from keelwatch.sandbox.portal import crm, trail
from keelwatch.sandbox.portal.call import Call, Reply
from keelwatch.sandbox.portal.parts import Parts
from keelwatch.sandbox.portal.sessions import Session

Handler = Callable[[Call], Awaitable[Reply]]


def handlers_of(parts: Parts) -> Mapping[str, Handler]:
    """One per key of the route table."""
    return {**_first(parts), **_second(parts), **_oidc(parts), **_pages(parts)}


def _signed_in(parts: Parts, act: Callable[[Call, Session], Awaitable[Reply]]) -> Handler:
    """`act` with the session of the request; 401 without."""

    async def handler(call: Call) -> Reply:
        return await act(call, await parts.identity.session_of(call))

    return handler


def _first(parts: Parts) -> dict[str, Handler]:
    identity = parts.identity
    return {
        "login": lambda call: identity.login(call, time.time()),
        "session": lambda call: identity.show(call, time.time()),
        "lookup": _signed_in(parts, parts.accounts.look_up),
        "invoices": _signed_in(parts, parts.billing.invoices),
        "plan-change": _signed_in(parts, lambda call, session: parts.plan.change(call, session, "v1")),
        "logout": identity.logout,
    }


def _second(parts: Parts) -> dict[str, Handler]:
    recovery, membership, database = parts.recovery, parts.membership, parts.database
    return {
        "v2-session": lambda call: parts.identity.show_with_methods(call, time.time()),
        "v2-close": _signed_in(parts, membership.close),
        "v2-lookup": _signed_in(parts, parts.accounts.look_up),
        "v2-invoices": _signed_in(parts, parts.billing.items),
        "v2-plan": _signed_in(parts, lambda _, session: parts.plan.show(session)),
        "v2-plan-change": _signed_in(parts, lambda call, session: parts.plan.change(call, session, "v2")),
        "v2-audit": _signed_in(parts, lambda call, _: trail.entries(call, database)),
        "v2-crm": _signed_in(parts, lambda _, session: crm.seen(session, database)),
        "v2-recovery": recovery.request,
        "v2-recovery-complete": recovery.complete,
        "v2-register": membership.register,
        "v2-register-confirm": membership.confirm,
    }


def _oidc(parts: Parts) -> dict[str, Handler]:
    oidc, login = parts.oidc, parts.login_pages
    return {
        "discovery": oidc.discovery,
        "jwks": oidc.keys,
        "authorize": oidc.authorize,
        "login-page": login.password_page,
        "login-form": login.password,
        "totp-page": login.code_page,
        "totp-form": login.code,
        "token": oidc.token,
        "revoke": oidc.revoke,
        "userinfo": oidc.userinfo,
        "oidc-logout": oidc.logout,
    }


def _pages(parts: Parts) -> dict[str, Handler]:
    pages = parts.pages
    return {
        "home-page": pages.home,
        "callback-page": pages.callback,
        "logout-page": pages.logout,
        "overview-page": pages.overview,
        "invoices-page": pages.invoices,
        "plan-page": pages.plan,
        "plan-form": pages.change_plan,
        "recover-page": parts.recovery.form_page,
        "recover-form": parts.recovery.form,
        "confirm-page": parts.membership.form_page,
        "confirm-form": parts.membership.form,
    }
