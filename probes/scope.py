"""Which names are known when each step of a journey begins. Pure."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from probes.names import BUILT_IN

if TYPE_CHECKING:
    from probes.spec import JourneySpec, Login, Step

SESSION_PARTS = frozenset({"access", "refresh", "id_token"})


@dataclass(frozen=True, slots=True)
class Scope:
    """`captured` by earlier steps, `secret` among them; `session`: the parts of the one there is, None
    without one; `old`: the parts of the one before that still have a name. `is_open`: a hook that does not
    say what it gives may have given any name."""

    given: frozenset[str]
    captured: frozenset[str] = frozenset()
    secret: frozenset[str] = frozenset()
    session: frozenset[str] | None = None
    old: frozenset[str] = frozenset()
    is_open: bool = False

    @property
    def known(self) -> frozenset[str]:
        living = {f"session.{part}" for part in self.session or ()}
        return self.given | self.captured | living | {f"session.old_{part}" for part in self.old}


def scopes(spec: JourneySpec) -> list[Scope]:
    """One for each step, and one for the end."""
    found = [_first(spec)]
    for step in spec.steps:
        found.append(after(step, found[-1]))
    return found


def _first(spec: JourneySpec) -> Scope:
    given = {name for name in BUILT_IN if not name.startswith(("account.", "session."))}
    if spec.as_ is not None:
        given |= {name for name in BUILT_IN if name.startswith("account.")}
    return Scope(frozenset(given | {f"secret.{name}" for name in spec.secrets}))


def after(step: Step, scope: Scope) -> Scope:
    """What is known once `step` has passed: everything it captures, for one that finds nothing fails."""
    fresh = set(step.capture) | set((step.hook.gives if step.hook else None) or ())
    secret = {name for name, capture in step.capture.items() if capture.secret}
    is_open = scope.is_open or (step.hook is not None and step.hook.gives is None)
    captured = scope.captured | fresh
    found = replace(scope, captured=captured, secret=(scope.secret - fresh) | secret, is_open=is_open)
    return found if step.login is None else _entered(step.login, found)


def _entered(login: Login, scope: Scope) -> Scope:
    before = scope.session
    old = scope.old | ((before or frozenset()) & {"access", "refresh"})
    return replace(scope, session=_session(login, before), old=old)


def _session(login: Login, before: frozenset[str] | None) -> frozenset[str] | None:
    match login.flow:
        case "oidc":
            scope = login.scope.split()
            asked = {"refresh": "offline_access", "id_token": "openid"}
            return frozenset({"access", *(part for part, word in asked.items() if word in scope)})
        case "json":
            return frozenset({"access"})
        case "form":
            return frozenset()
        case "refresh":
            return before
        case "logout":
            return None
