"""Kill, freeze or end the run, Chaos Toolkit's process, the guardian, the console that follows, or several of
them, at seeded moments of an experiment. Whatever dies: the world is restored and verified, in time when the
guardian lives; nothing lands twice, the run is closed once, and no process is left."""

from __future__ import annotations

import os
import random
import select
import signal
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass

import pytest

from chaos.run import SILENT_S
from chaos.worker.telling import BEAT_S
from keelwatch.ledger import Fact, FactKind, verify
from keelwatch.runs import Outcome, heal
from keelwatch.runs.guardlink import MISSES
from keelwatch.runs.mark import marked, read_mark
from keelwatch.runs.state import has_guardian, is_alive
from keelwatch.workspace import run_dir
from tests.chaos.conftest import Lab
from tests.runs.conftest import until
from tests.toys.experiments import TABLE

VICTIMS = (
    ("run",),
    ("tool",),
    ("guardian",),
    ("console",),
    ("run", "tool"),
    ("run", "guardian"),
    ("run", "console"),
    ("tool", "guardian"),
)
HEALED = tuple(one for one in VICTIMS if {"run", "tool"} & set(one) and "guardian" not in one)
"""Whose end leaves something that the living take back, in time."""
SIGNALS = (signal.SIGKILL, signal.SIGSTOP, signal.SIGTERM)
MOMENTS = ("start", "before", "first", "second", "after", "rollbacks")
SHALLOW = 20
DEEP = 200
HEARTBEAT_S = (MISSES + 1) * TABLE.tick_s
HEALED_S = 1.0  # and verified: after the victim's end of the line closed, or its heartbeat was missed


@dataclass(frozen=True)
class Trial:
    """Strike `delay_s` after `moment`."""

    seed: int
    victims: tuple[str, ...]
    number: signal.Signals
    moment: str
    delay_s: float


def trial(seed: int) -> Trial:
    """The moments in turn, so that a few trials strike each of them; two in five kill what must be healed in
    time."""
    chance = random.Random(seed)
    moment = MOMENTS[seed % len(MOMENTS)]
    judged = seed % 5 in {2, 3}
    victims = chance.choice(HEALED if judged else VICTIMS)
    number = signal.SIGKILL if judged else chance.choice(SIGNALS)
    return Trial(seed, victims, number, moment, chance.uniform(0.0, 0.4))


def test_enough_of_a_few_trials_kill_what_must_be_healed_in_time() -> None:
    judged = [it for it in map(trial, range(SHALLOW)) if it.victims in HEALED and it.moment != "start"]
    assert len([it for it in judged if it.number is signal.SIGKILL]) > 4


@pytest.mark.parametrize("seed", range(SHALLOW))
def test_whichever_process_dies_the_world_is_restored(lab: Lab, seed: int) -> None:
    survive(lab, trial(seed))


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1000, 1000 + DEEP))
def test_whichever_process_dies_the_world_is_restored_two_hundred_times(lab: Lab, seed: int) -> None:
    survive(lab, trial(seed))


def survive(lab: Lab, it: Trial) -> None:
    begun = lab.call("beside", "write", "begin", {"path": str(lab.world / "rollbacks"), "text": "begun"})
    method = [lab.set("billing", "down"), lab.set("cache", "lost"), lab.wait("300ms")]
    back = [begun, lab.call("chaos.actions", "undo", "undo")]
    run = lab.start(lab.experiment(method, [asked(lab)], back))
    console = follow(lab, run) if "console" in it.victims else None
    wait_for(lab, it)
    time.sleep(it.delay_s)  # the seeded moment itself, not a wait for anything
    is_late = lab.value("rollbacks") == "begun"
    struck = time.time()
    hit = [victim for victim in it.victims if strike(lab, run, victim, it.number, console)]
    assert it.victims[0] in hit or is_late or it.moment == "start", f"{it} struck nobody"
    settle(lab, run, it)
    assert (lab.value("billing"), lab.value("cache")) == ("up", "up"), it
    assert all(count == 1 for count in Counter(lab.effects).values()), (it, lab.effects)
    assert verify(lab.ledger).flaw is None
    assert len(lab.facts(run, FactKind.VERDICT)) == 1, it
    assert healed_in_time(lab.facts(run, FactKind.RESULT), it, hit, struck), it
    if it.victims == ("console",):
        assert lab.end(run).outcome is not Outcome.INVALID, "who watches has no say in it"
    if console is not None:
        console.kill()
        console.wait(10)
    until(
        lambda: not list(marked("KEELWATCH_STATE", str(lab.folder / "state"))),
        20,
        f"{it}: the last process gone",
    )


def asked(lab: Lab) -> dict[str, object]:
    """The hypothesis holds, and leaves a file each time it is asked: `before`, then `after`."""
    probe = lab.call("beside", "asked", "somebody asks", {"world": str(lab.world)}, "probe")
    return {**probe, "tolerance": True}


def follow(lab: Lab, run: str) -> subprocess.Popen[bytes]:
    """The console's own `attach`, once it has said something of the run."""
    console = subprocess.Popen(
        [sys.executable, "-m", "console.main", "attach", run],
        cwd=lab.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    assert console.stdout is not None
    assert select.select([console.stdout], [], [], 20)[0], "the console says nothing"
    return console


def healed_in_time(results: list[Fact], it: Trial, hit: list[str], struck: float) -> bool:
    """Whether the guardian, alive, undid and verified in time what a run that was killed or frozen left, and
    a run, alive, what Chaos Toolkit's process left. Whoever ends by SIGTERM takes the time that it needs."""
    if "guardian" in it.victims or it.number is signal.SIGTERM or not {"run", "tool"} & set(hit):
        return True
    beat_s = HEARTBEAT_S if "run" in hit else SILENT_S + BEAT_S
    limit_s = HEALED_S + (beat_s if it.number is signal.SIGSTOP else 0.0)
    return all(fact.at <= struck + limit_s for fact in results)


@pytest.mark.parametrize("moment", ["first", "second"])
def test_what_a_killed_tool_left_is_healed_within_a_second(lab: Lab, moment: str) -> None:
    survive(lab, Trial(0, ("tool",), signal.SIGKILL, moment, 0.05))


def test_what_a_frozen_tool_left_is_healed_a_second_after_its_heartbeat(lab: Lab) -> None:
    survive(lab, Trial(0, ("tool",), signal.SIGSTOP, "second", 0.05))


def wait_for(lab: Lab, it: Trial) -> None:
    match it.moment:
        case "before" | "after":
            lab.until_value(it.moment, "asked")
        case "first":
            until(lambda: "toy.set billing down" in lab.effects)
        case "second":  # the effect, for its value may have come and gone between two looks
            until(lambda: "toy.set cache lost" in lab.effects)
        case "rollbacks":
            lab.until_value("rollbacks", "begun")


def strike(
    lab: Lab, run: str, victim: str, number: signal.Signals, console: subprocess.Popen[bytes] | None
) -> bool:
    """Whether it was hit: one that has ended, or is not there yet, is spared."""
    if victim == "console":
        assert console is not None
        console.send_signal(number)  # to nobody, once it has ended
        return console.returncode is None
    if victim == "tool":
        hits = [sent(pid, number) for pid in lab.tools(run)]
        return any(hits)
    mark = read_mark(run_dir(run) / f"{'process' if victim == 'run' else 'guardian'}.json")
    return mark is not None and mark.send(number)


def sent(pid: int, number: signal.Signals) -> bool:
    with suppress(ProcessLookupError):
        os.kill(pid, number)
        return True
    return False


def settle(lab: Lab, run: str, it: Trial) -> None:
    """What an operator does: wait, then heal."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        quiet = time.monotonic() + 4.0
        while (is_alive(run) or has_guardian(run)) and time.monotonic() < quiet:
            time.sleep(0.02)
        report = heal(lab.ledger, TABLE)
        if lab.view(run).state.verdict is not None and not report.open and not is_alive(run):
            return
    pytest.fail(f"{it}: {run} does not settle: {heal(lab.ledger, TABLE)}")
