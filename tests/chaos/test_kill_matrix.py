"""Kill, freeze or end the run, Chaos Toolkit's process, the guardian, or several of them, at seeded moments
of an experiment. Whatever dies: the world is restored and verified, nothing lands twice, the run is closed
once, and no process is left."""

from __future__ import annotations

import os
import random
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import pytest

from keelwatch.ledger import FactKind, verify
from keelwatch.runs import heal
from keelwatch.runs.mark import marked
from keelwatch.runs.state import has_guardian, is_alive
from tests.chaos.conftest import Lab
from tests.runs.conftest import until
from tests.toys.experiments import TABLE

VICTIMS = (("run",), ("tool",), ("guardian",), ("run", "tool"), ("run", "guardian"), ("tool", "guardian"))
SIGNALS = (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM)
MOMENTS = ("start", "first", "second", "rollbacks")
DEEP = 200


@dataclass(frozen=True)
class Trial:
    """Strike `delay_s` after `moment`."""

    seed: int
    victims: tuple[str, ...]
    number: signal.Signals
    moment: str
    delay_s: float


def trial(seed: int) -> Trial:
    chance = random.Random(seed)
    return Trial(
        seed, chance.choice(VICTIMS), chance.choice(SIGNALS), chance.choice(MOMENTS), chance.uniform(0.0, 0.4)
    )


@pytest.mark.parametrize(
    "seed", [*range(6), *(pytest.param(one, marks=pytest.mark.deep) for one in range(6, 20))]
)
def test_whichever_process_dies_the_world_is_restored(lab: Lab, seed: int) -> None:
    survive(lab, trial(seed))


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1000, 1000 + DEEP))
def test_whichever_process_dies_the_world_is_restored_two_hundred_times(lab: Lab, seed: int) -> None:
    survive(lab, trial(seed))


def survive(lab: Lab, it: Trial) -> None:
    begun = lab.call("beside", "write", "begin", {"path": str(lab.world / "rollbacks"), "text": "begun"})
    method = [lab.set("billing", "down"), lab.set("cache", "lost"), lab.wait("300ms")]
    run = lab.start(lab.experiment(method, rollbacks=[begun, lab.call("chaos.actions", "undo", "undo")]))
    wait_for(lab, it)
    time.sleep(it.delay_s)  # the seeded moment itself, not a wait for anything
    for victim in it.victims:
        strike(lab, run, victim, it.number)
    settle(lab, run, it)
    assert (lab.value("billing"), lab.value("cache")) == ("up", "up"), it
    assert all(count == 1 for count in Counter(lab.effects).values()), (it, lab.effects)
    assert verify(lab.ledger).flaw is None
    assert len(lab.facts(run, FactKind.VERDICT)) == 1, it
    until(
        lambda: not list(marked("KEELWATCH_STATE", str(lab.folder / "state"))),
        20,
        f"{it}: the last process gone",
    )


def wait_for(lab: Lab, it: Trial) -> None:
    match it.moment:
        case "first":
            lab.until_value("billing", "down")
        case "second":
            lab.until_value("cache", "lost")
        case "rollbacks":
            lab.until_value("rollbacks", "begun")


def strike(lab: Lab, run: str, victim: str, number: signal.Signals) -> None:
    """One that has ended, or is not there yet, is spared."""
    if victim == "tool":
        for pid in lab.tools(run):
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return
    with suppress(AssertionError):
        lab.kill(run, {"run": "process", "guardian": "guardian"}[victim], number)


def settle(lab: Lab, run: str, it: Trial) -> None:
    """What an operator does: wait, then heal."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        quiet = time.monotonic() + 8.0
        while (is_alive(run) or has_guardian(run)) and time.monotonic() < quiet:
            time.sleep(0.02)
        report = heal(lab.ledger, TABLE)
        if lab.view(run).state.verdict is not None and not report.open and not is_alive(run):
            return
    pytest.fail(f"{it}: {run} does not settle: {heal(lab.ledger, TABLE)}")
