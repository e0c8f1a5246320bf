"""Kill or freeze the run of a journey that changes something, its guardian, or both, at seeded moments.
Whatever dies, the customer's plan is restored and proven so by who is left: run, guardian or `heal`."""

from __future__ import annotations

import os
import random
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from console.processes import ENTRY, TABLE
from keelwatch.ledger import FactKind, LedgerStore, open_ledger, verify
from keelwatch.runs import heal, list_open, spawn
from keelwatch.runs.mark import marked, read_mark
from keelwatch.runs.state import has_guardian, is_alive, load
from probes.instance import arguments
from tests.probes.conftest import CHANGE, LOGIN, Bench
from tests.probes.shop import Asked, Reply

DEEP = 60
VICTIMS = (("process",), ("guardian",), ("process", "guardian"))
MORE = CHANGE.replace("$old", "$older").replace("old:", "older:").replace("plus", "max")
STEPS = LOGIN + CHANGE + MORE + "  - name: look\n    get: /plan\n"
# The requests of one execution that nobody disturbs: those after which to strike, while they are served.
REQUESTS = ("login", "read", "change", "read again", "change again", "look", "undo", "proof", "undo", "proof")
SETTLES_WITHIN_S = 90.0


@dataclass(frozen=True)
class Trial:
    """Strikes while request number `request` is served: before the shop has acted on it, or after, and
    `delay_s` later."""

    seed: int
    victims: tuple[str, ...]
    signal: signal.Signals
    request: int
    after: bool
    delay_s: float


def trial(seed: int) -> Trial:
    chance = random.Random(seed)
    return Trial(
        seed,
        chance.choice(VICTIMS),
        chance.choices([signal.SIGKILL, signal.SIGSTOP], [0.7, 0.3])[0],
        chance.randrange(1, len(REQUESTS)),  # before the first change there is no guardian to strike
        after=chance.random() < 0.5,
        delay_s=chance.choice([0.0, 0.0, chance.uniform(0.0, 0.1)]),
    )


@pytest.mark.parametrize("seed", range(5))
def test_whichever_process_dies_the_plan_is_restored(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    survive(bench, monkeypatch, trial(seed))


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1000, 1000 + DEEP))
def test_whichever_process_dies_the_plan_is_restored_sixty_times(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    survive(bench, monkeypatch, trial(seed))


def survive(bench: Bench, monkeypatch: pytest.MonkeyPatch, it: Trial) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", bench.shop.password)
    monkeypatch.setenv("PYTHONPATH", bench.environment["PYTHONPATH"])
    bench.journey("change", STEPS)
    blow = Blow(bench, it)
    bench.shop.before = blow.look
    store = open_ledger()
    try:
        args = arguments(bench.folder / "keelwatch.yaml", ["change"], [])
        run = spawn(store, TABLE.kind("probe"), "change", args, "shop", ENTRY)
        settle(store, run)
        assert blow.struck, it
        assert bench.shop.plans == {"ada": "basic", "bob": "basic"}, it
        assert verify(store).flaw is None
        assert list(store.after(0, run=run, kinds=(FactKind.VERDICT,)))
        assert all_gone(), it
    finally:
        store.close()


class Blow:
    """Falls from within the shop, so that the request that is served then is known."""

    def __init__(self, bench: Bench, it: Trial) -> None:
        self._bench, self._it, self._seen = bench, it, 0
        self.struck = False

    def look(self, asked: Asked) -> Reply | None:
        number, self._seen = self._seen, self._seen + 1
        if self.struck or number != self._it.request:
            return None
        self.struck = True
        if not self._it.after:
            self._strike()
            return None
        shop = self._bench.shop
        shop.before = lambda _: None
        reply = shop.answer(asked)
        shop.before = self.look
        self._strike()
        return reply

    def _strike(self) -> None:
        time.sleep(self._it.delay_s)  # the seeded moment itself, not a wait for anything
        (folder,) = (Path(os.environ["KEELWATCH_STATE"]) / "runs").iterdir()
        for victim in self._it.victims:
            mark = read_mark(folder / f"{victim}.json")
            if mark is not None:
                mark.send(self._it.signal)


def settle(store: LedgerStore, run: str) -> None:
    """What an operator does: wait while somebody is at work, then heal, until the run owes nothing."""
    deadline = time.monotonic() + SETTLES_WITHIN_S
    while time.monotonic() < deadline:
        quiet = time.monotonic() + 10.0
        while (is_alive(run) or has_guardian(run)) and time.monotonic() < quiet:
            time.sleep(0.02)
        heal(store, TABLE)
        if load(store, run).verdict is not None and not list_open(store) and not is_alive(run):
            return
        time.sleep(0.05)
    pytest.fail(f"{run} does not settle: {list_open(store)}")


def all_gone() -> bool:
    deadline = time.monotonic() + 20.0
    while list(marked("KEELWATCH_STATE", os.environ["KEELWATCH_STATE"])):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True
