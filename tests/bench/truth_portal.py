"""The portal that benches ask: what it answers, how long it lets that wait, and which journeys it saw.

The n-th request of an account waits for a time drawn from a seed, the account and n: the same in every run,
however the requests of different accounts fall between each other.
"""

from __future__ import annotations

import json
import random
from collections import Counter
from dataclasses import dataclass, field

SEED = 20260101
PASSWORD = "correct horse battery staple"
BASIC, PLUS = "basic", "plus"
TALLY = "/tally"

type Answer = tuple[int, dict[str, object]]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, with the account that its token or its login names."""

    method: str
    path: str
    account: str
    body: dict[str, str]

    @classmethod
    def of(cls, head: str, body: bytes) -> Asked:
        first, *lines = head.split("\r\n")
        method, path, _ = first.split(" ", 2)
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        sent = json.loads(body) if body else {}
        bearer = headers.get("authorization", "").removeprefix("Bearer token-of-")
        return cls(method, path.partition("?")[0], bearer or sent.get("account", ""), sent)


def seeded_delay_s(account: str, number: int) -> float:
    """A fifth is answered at once, most like a service in health, one in twelve like one in trouble."""
    dice = random.Random(f"{SEED} {account} {number}")
    kind = dice.random()
    if kind < 0.20:
        return 0.0
    if kind < 0.55:
        return 0.05
    if kind < 0.92:
        return min(1.0, dice.lognormvariate(-2.5, 0.7))  # median 82 ms, one in a hundred above 0.4 s
    return dice.uniform(0.3, 0.9)


@dataclass
class Portal:
    """`journeys` are the whole ones: from the login's arrival to the answer that proves the plan is back.
    `busy_s`: all that requests waited for here."""

    is_slow: bool
    plans: dict[str, str] = field(default_factory=dict)
    changes: dict[str, list[str]] = field(default_factory=dict)
    asked: Counter[str] = field(default_factory=Counter)
    journeys: list[tuple[float, float]] = field(default_factory=list)
    busy_s: float = 0.0
    _begun: dict[str, float] = field(default_factory=dict)

    def delay_s(self, asked: Asked) -> float:
        self.asked[asked.account] += 1
        if not self.is_slow or asked.path == TALLY:
            return 0.0
        return seeded_delay_s(asked.account, self.asked[asked.account])

    def answer(self, asked: Asked) -> Answer:
        """What each of the five steps wants: a token, captures as JSON, a plan, one entry of the audit."""
        account = asked.account
        match asked.method, asked.path:
            case "GET", "/tally":
                return 200, {"journeys": self.journeys, "busy_s": self.busy_s}
            case "POST", "/v1/login":
                if asked.body.get("password") != PASSWORD:
                    return 401, {"error": "account or password is wrong"}
                self.changes[account] = []
                return 200, {"token": f"token-of-{account}"}
            case _ if account not in self.changes:
                return 401, {"error": "no valid session"}
            case "GET", "/invoices":
                return 200, {"invoices": [{"number": "2026-01", "plan": self.plan(account)}]}
            case "GET", "/plan":
                return 200, {"plan": self.plan(account)}
            case "PUT", "/plan":
                self.plans[account] = asked.body["plan"]
                self.changes[account].append(asked.body["plan"])
                return 200, {"plan": asked.body["plan"]}
            case "GET", "/audit":
                entries = [{"action": "plan.changed", "after": plan} for plan in self.changes[account]]
                return 200, {"entries": entries}
        return 404, {"error": "nothing here"}

    def plan(self, account: str) -> str:
        return self.plans.get(account, BASIC)

    def note(self, asked: Asked, received: float, sent: float) -> None:
        """An answer is out; both times are monotonic."""
        if asked.path == TALLY:
            return
        self.busy_s += sent - received
        match asked.method, asked.path:
            case "POST", "/v1/login":
                self._begun[asked.account] = received
            case "GET", "/plan" if asked.account in self._begun:
                self.journeys.append((self._begun.pop(asked.account), sent))
