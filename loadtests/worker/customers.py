"""A journey as a load takes it: the same file, the same requests and expectations as a probe's, by another
client. What is said of certificates and phases is left out: nobody measures them here.
"""

from __future__ import annotations

import random
import secrets
import time
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import gevent
from gevent import Timeout
from locust.env import Environment

from keelwatch.workspace.entrance import Account, Entrance
from keelwatch.workspace.errors import KeelwatchError
from loadtests.worker.book import Book
from loadtests.worker.process import Process, told_of
from loadtests.worker.steps import StepFailed, Steps
from loadtests.worker.visit import LoadVisit
from loadtests.worker.wire import LoadWire
from probes.load import Journey, load_wanted
from probes.place import Place
from probes.visit import first_names

NONE_FREE_S = 0.1
"""Until a user of the closed model asks again for an account."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What the customers of a process have to choose from."""

    place: Place
    entrance: Entrance
    journeys: tuple[Journey, ...]
    weights: tuple[int, ...]


def offer_of(process: Process) -> Offer:
    """Raises what reading a workspace raises."""
    plan = process.plan
    place = Place(Path(plan.workspace), plan.environment, plan.sandbox)
    workspace, entrance = place.find()
    names = [name for name, _ in plan.journeys]
    known, _ = load_wanted(workspace.folders["probes"], names)
    return Offer(
        place, entrance, tuple(known[name] for name in names), tuple(one for _, one in plan.journeys)
    )


@cache
def customers(process: Process, environment: Environment) -> Customers:
    """Those of this process: one for all of its users, who would else take each other's accounts."""
    return Customers(process, environment)


class Customers:
    """Whoever takes a journey, however many at once: each has cookies and connections of its own."""

    def __init__(self, process: Process, environment: Environment) -> None:
        self._process = process
        self._environment = environment
        self._offer = offer_of(process)
        pool = process.plan.pool
        self._book = Book(process, self._offer.entrance.pool(pool) if pool else ())
        self._random = random.Random(process.plan.seed * 1009 + process.number)  # noqa: S311 -- no secret

    def take(self, due: float | None = None) -> None:
        """One journey, chosen by weight. `due` (monotonic, s) is when it should have begun."""
        (journey,) = self._random.choices(self._offer.journeys, self._offer.weights)
        account = self._book.lend() if journey.spec.as_ is not None else None
        if journey.spec.as_ is not None and account is None:
            self._process.meter.no_account += 1
            self._process.meter.dropped += due is not None
            gevent.sleep(0 if due is not None else NONE_FREE_S)
        elif self._taken(journey, account, due) and account is not None:
            self._book.give_back(account)

    def _taken(self, journey: Journey, account: Account | None, due: float | None) -> bool:
        """Whether nothing of it is left behind."""
        entrance = self._offer.entrance
        wire = LoadWire(self._environment, entrance.edge, entrance.ca, entrance.hosts)
        execution, trace = secrets.token_hex(6), secrets.token_hex(16)
        region = (account.region if account else None) or self._random.choice(list(entrance.regions))
        visit = LoadVisit(entrance, region, wire, trace, account)
        visit.names |= first_names(account, region, execution, trace)
        began = time.monotonic()
        late_s = max(0.0, began - due) if due is not None else 0.0
        wire.late_ms = late_s * 1000
        steps = Steps(journey, self._offer.place, execution, visit, wire, self._book)
        error = self._failure(journey, steps, visit)
        took_s = time.monotonic() - began - visit.waited_s - steps.own_s
        self._process.meter.journey(
            journey.name, took_s * 1000, late_s * 1000, error, is_told=wire.has_failed
        )
        is_clean = self._book.undo(execution, visit.session) if steps.has_changed else True
        wire.close()
        visit.forget()
        return is_clean

    def _failure(self, journey: Journey, steps: Steps, visit: LoadVisit) -> str:
        """Why the journey failed; empty when it did not."""
        try:
            for name, reference in journey.spec.secrets.items():
                visit.names[f"secret.{name}"] = journey.secret(reference)
            self._go(journey, steps)
        except StepFailed as failure:
            return failure.reason
        except KeelwatchError as failure:
            return failure.message
        except Exception as failure:  # noqa: BLE001 -- a journey that nobody counts would be a green one
            return f"{type(failure).__name__}: {told_of(failure)}"
        return ""

    def _go(self, journey: Journey, steps: Steps) -> None:
        limit = Timeout(journey.spec.deadline.total_seconds())
        limit.start()
        try:
            for index, step in enumerate(journey.spec.steps):
                steps.perform(index, step)
        except Timeout as over:
            if over is not limit:
                raise
            steps.cut_off("the journey's deadline")
            raise StepFailed("not done before the journey's deadline") from None
        finally:
            limit.cancel()
