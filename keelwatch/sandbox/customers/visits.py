"""Who comes, to do what. Pure: the same seed gives the same visits in the same order."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass

CUSTOMERS = 10_000
REGULARS = 400  # most visits concern few accounts, as in life; it is what makes a cache worth having
REGULARS_SHARE = 0.7
AGENTS = 10
THINK_SECONDS = 1.0

# kind -> (share of visits, routes between login and logout)
KINDS: dict[str, tuple[float, tuple[str, ...]]] = {
    "bills": (0.35, ("session", "invoices")),
    "account": (0.25, ("lookup", "lookup")),
    "plan": (0.15, ("lookup", "plan-change")),
    "call-centre": (0.25, ("lookup", "lookup", "lookup")),
}
PLANS = ("basic", "plus", "max")


@dataclass(frozen=True, slots=True)
class Step:
    """`think_s` passes before it; `subject` is the account looked up, or the plan chosen."""

    route: str
    think_s: float
    subject: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """Arrives `after_s` after the one before it."""

    after_s: float
    account: str
    channel: str
    steps: tuple[Step, ...]


def requests_per_visit() -> float:
    """The mean, with login and logout."""
    return sum(share * (len(routes) + 2) for share, routes in KINDS.values())


def visits(seed: int, requests_per_second: float) -> Iterator[Visit]:
    """Without end; on average `requests_per_second` requests come of it (Poisson arrivals)."""
    chance = random.Random(seed)  # noqa: S311 a repeatable crowd, not a secret
    per_second = requests_per_second / requests_per_visit()
    kinds, shares = list(KINDS), [share for share, _ in KINDS.values()]
    while True:
        kind = chance.choices(kinds, shares)[0]
        yield _visit(chance, kind, chance.expovariate(per_second))


def _visit(chance: random.Random, kind: str, after_s: float) -> Visit:
    routes = ("login", *KINDS[kind][1], "logout")
    steps = tuple(_step(chance, kind, route, first=index == 0) for index, route in enumerate(routes))
    if kind == "call-centre":
        return Visit(after_s, f"agent-{chance.randint(1, AGENTS):02}", "agent", steps)
    return Visit(after_s, _customer(chance), "web" if chance.random() < 0.6 else "app", steps)


def _step(chance: random.Random, kind: str, route: str, *, first: bool) -> Step:
    think_s = 0.0 if first else chance.expovariate(1 / THINK_SECONDS)
    if route == "plan-change":
        return Step(route, think_s, chance.choice(PLANS))
    if route == "lookup":
        return Step(route, think_s, _customer(chance) if kind == "call-centre" else "me")
    return Step(route, think_s)


def _customer(chance: random.Random) -> str:
    last = REGULARS if chance.random() < REGULARS_SHARE else CUSTOMERS
    return f"c{chance.randint(1, last):05}"
