"""Kill or freeze the run, its guardian, or both, at seeded random moments and at every boundary of the
journal. Whatever dies: the world is restored and verified (or named, and then healed), nothing lands
twice, the chain is whole, and no process is left."""

from __future__ import annotations

import hashlib
import json
import random
import signal
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from keelwatch.ledger import FactKind, verify
from keelwatch.runs import OnDeath, heal, resume
from keelwatch.runs.mark import marked
from keelwatch.runs.state import has_guardian, is_alive, load
from keelwatch.workspace import run_dir
from tests.runs.conftest import Stage, until
from tests.toys.processes import TABLE
from tests.toys.world import effects, strike, value

SHARE = {"probe": 0.25, "load": 0.15, "chaos": 0.35, "runbook": 0.25}
STEPS = {
    "probe": ["opened"],
    "load": ["lifted"],
    "chaos": ["down", "lost"],
    "runbook": ["drained", "promoted", "east"],
}
VICTIMS = (["run"], ["guardian"], ["run", "guardian"])
FINAL = {"west": "drained", "east": "promoted", "edge": "east"}
RESTORED = ("account", "rate-limit", "billing", "cache")
DEEP = 200


@dataclass(frozen=True)
class Trial:
    """`point` names a boundary of the journal; empty: strike `delay_s` after the start."""

    seed: int
    kind: str
    victims: list[str]
    signal: signal.Signals
    point: str
    delay_s: float


def trial(seed: int) -> Trial:
    chance = random.Random(seed)
    kind = chance.choices(list(SHARE), list(SHARE.values()))[0]
    moments = ["plan", "before", "after"]
    points = [f"{step}:{moment}" for step in STEPS[kind] for moment in moments] + ["lost:flight"] * (
        kind == "chaos"
    )
    if kind != "runbook":
        points += [":before", ":after", ":check"]  # of the undo
    return Trial(
        seed,
        kind,
        chance.choice(VICTIMS),
        chance.choices([signal.SIGKILL, signal.SIGSTOP], [0.75, 0.25])[0],
        chance.choice(points) if chance.random() < 0.6 else "",
        chance.uniform(0.0, 0.9),
    )


@pytest.mark.parametrize("seed", range(20))
def test_whichever_process_dies_the_world_is_restored(stage: Stage, seed: int) -> None:
    survive(stage, trial(seed))


@pytest.mark.deep
@pytest.mark.parametrize("seed", range(1000, 1000 + DEEP))
def test_whichever_process_dies_the_world_is_restored_two_hundred_times(stage: Stage, seed: int) -> None:
    survive(stage, trial(seed))


def survive(stage: Stage, it: Trial) -> None:
    for target in RESTORED:
        (stage.world / target).write_text("as-it-was")
    run = begin(stage, it)
    settle(stage, run)
    if TABLE.kind(it.kind).on_death is OnDeath.UNDO:
        assert all(value(stage.world, target) == "as-it-was" for target in RESTORED), it
    else:
        assert {target: value(stage.world, target) for target in FINAL} == FINAL, it
    assert_nothing_landed_twice(stage.world, it)
    assert_the_record_is_whole(stage, run)
    until(lambda: not list(marked("KEELWATCH_STATE", str(stage.state))), what="the last process gone")


def begin(stage: Stage, it: Trial) -> str:
    if it.point:
        order = {
            "point": it.point.replace(":", "as-it-was:", 1) if it.point.startswith(":") else it.point,
            "runs": str(stage.state / "runs"),
            "signal": it.signal.name,
            "victims": it.victims,
        }
        (stage.world / "crash.json").write_text(json.dumps(order))
        return stage.spawn(it.kind)
    run = stage.spawn(it.kind)
    time.sleep(it.delay_s)  # the seeded moment itself, not a wait for anything
    strike(run_dir(run), it.victims, it.signal)
    return run


def settle(stage: Stage, run: str) -> None:
    """What an operator does: wait, heal, resume what is a runbook, until the run is closed."""
    for _ in range(6):
        quiet = time.monotonic() + 3.0
        while (is_alive(run) or has_guardian(run)) and time.monotonic() < quiet:
            time.sleep(0.02)
        report = heal(stage.ledger, TABLE)
        state = load(stage.ledger, run)
        if state.verdict is not None and not report.open and not is_alive(run):
            return
        if state.on_death is OnDeath.ORPHAN and not is_alive(run):
            resume(stage.ledger, run)
    pytest.fail(f"{run} does not settle: {heal(stage.ledger, TABLE)}")


def assert_nothing_landed_twice(world: Path, it: Trial) -> None:
    counts = Counter(effects(world))
    assert all(count == 1 for count in counts.values()), (it, counts)


def assert_the_record_is_whole(stage: Stage, run: str) -> None:
    assert verify(stage.ledger).flaw is None
    closing = stage.facts(run, FactKind.VERDICT)
    assert len(closing) == 1
    stream = closing[0].body["stream"]
    path = run_dir(run) / "stream.jsonl"
    data = path.read_bytes() if path.exists() else b""
    assert isinstance(stream, dict)
    assert stream["sha256"] == hashlib.sha256(data).hexdigest()
