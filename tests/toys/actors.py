"""A probe, a load run, an experiment and a runbook, in miniature."""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import resource
import signal
import sys
import time
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.runs import Fate, Run, UndoBy, Verdict, failed, inconclusive, passed
from keelwatch.runs.fields import number, text
from keelwatch.runs.mark import read_mark
from keelwatch.workspace import Secret
from tests.sentinel import VARIABLE
from tests.toys.world import crash_at, land, value

GENERATOR = """
import json, subprocess, sys, time
subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"])
for second in range(600):
    print(json.dumps({"users": 5, "second": second}), flush=True)
    time.sleep(0.05)
"""
TINY = 4096  # bytes


def _target(run: Run, target: str, wanted: str) -> JsonObject:
    return {"world": text(run.args, "world"), "target": target, "value": wanted}


def probe(run: Run) -> Verdict:
    """A journey: steps in an event loop, one of which changes the world and is taken back."""
    return asyncio.run(_journey(run))


async def _journey(run: Run) -> Verdict:
    stop = asyncio.Event()
    asyncio.get_running_loop().add_reader(run.stop_requested.fileno(), stop.set)
    for number_ in range(1, 4):
        if number_ == 1:
            await _open_account(run)
        run.sample({"step": number_, "ok": True})
        try:
            await asyncio.wait_for(stop.wait(), number(run.args, "hold_s") / 3)
        except TimeoutError:
            continue
        run.check_stop()
    return passed()


async def _open_account(run: Run) -> None:
    """The journey makes its own request; the verb knows how to take it back."""
    args = _target(run, "account", "opened")
    effect = run.announce("toy.set", args)
    world = Path(text(run.args, "world"))
    crash_at(world, "opened:before")
    land(world, "toy.set", "account", "opened")
    crash_at(world, "opened:after")
    run.report(effect, Fate.DONE, {"status": 201})


def load(run: Run) -> Verdict:
    """A generator in a child of its own, its lines relayed; one flag in the world set meanwhile."""
    run.act("toy.set", _target(run, "rate-limit", "lifted"))
    child = run.spawn_child([sys.executable, "-S", "-c", GENERATOR])
    assert child.process.stdout is not None
    deadline = time.monotonic() + number(run.args, "hold_s")
    try:
        for line in child.process.stdout:
            run.sample(json.loads(line))
            run.check_stop()
            if time.monotonic() > deadline:
                return passed("held")
        return inconclusive("the generator ended early")
    finally:
        child.stop(grace_s=1.0)


def experiment(run: Run) -> Verdict:
    """Two faults, one of them slow to land; hold; the kernel rolls back."""
    scope = text(run.args, "scope")
    if scope:
        run.lease(scope)
    run.act("toy.set", _target(run, "billing", "down"))
    run.say("billing is down")
    run.act("toy.slow", {**_target(run, "cache", "lost"), "delay_s": 0.25})
    run.wait(number(run.args, "hold_s"))
    return passed("hypothesis held")


def runbook(run: Run) -> Verdict:
    """A failover: drain, promote (no way back), shift. Resumed, it goes on where it was left."""
    run.lease("region-pair")
    run.act("toy.set", _target(run, "west", "drained"), step="drain")
    run.wait(number(run.args, "hold_s"))
    run.act("toy.promote", _target(run, "east", "promoted"), step="promote")
    if run.args.get("page"):
        run.act("toy.page", _target(run, "pager", "rang"), step="page", undo=UndoBy.NOBODY)
    run.wait(number(run.args, "hold_s"))
    run.act("toy.set", _target(run, "edge", "east"), step="shift")
    return passed()


def order(run: Run) -> Verdict:
    """Orders something of a target that knows what it was asked before."""
    run.act("toy.order", _target(run, "goods", "ordered"), step="order")
    run.wait(number(run.args, "hold_s"))
    return passed("ordered")


def full_disk(run: Run) -> Verdict:
    """Acts once, finds the disk full, and tries to act again. A limit on the size of files, for the run and
    its guardian, stands in for the disk: it needs no root, and the small files of the world still fit."""
    run.act("toy.set", _target(run, "first", "changed"))
    _soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    guardian = read_mark(run.spec.folder / "guardian.json")
    assert guardian is not None
    for pid in (guardian.pid, 0):
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (TINY, hard))
    run.act("toy.set", _target(run, "second", "changed"))
    return failed("it acted without a record")


def late(run: Run) -> Verdict:
    """Acts only when the file `go` appears: an operator who comes back late."""
    world = Path(text(run.args, "world"))
    run.act("toy.set", _target(run, "first", "changed"))
    while not (world / "go").exists():
        run.wait(0.02)
    run.act("toy.set", _target(run, "late", "changed"))
    return failed("it acted under a stale epoch")


def buggy(run: Run) -> Verdict:
    """Acts, and then trips over its own feet."""
    run.act("toy.set", _target(run, "billing", "down"))
    raise ZeroDivisionError


def wordy(run: Run) -> Verdict:
    """Says at the very end how the world looks then; the first of its words are wrong."""
    world = Path(text(run.args, "world"))

    def misspeak() -> None:
        raise LookupError("no such word")

    run.at_the_end(misspeak)
    run.at_the_end(lambda: run.sample({"billing": value(world, "billing")}))
    run.act("toy.set", _target(run, "billing", "down"))
    return passed(f"billing was {value(world, 'billing')}")


def leaky(run: Run) -> Verdict:
    """Says what it should not, everywhere it can."""
    secret = Secret(os.environ[VARIABLE])
    run.say(f"token={secret.reveal()}")
    run.sample({"header": secret.reveal()})
    run.note("said", {"words": secret.reveal()})
    raise RuntimeError(secret.reveal())


def twice(run: Run) -> Verdict:
    """Gives two acts one name."""
    for wanted in ("down", "up"):
        run.act("toy.set", _target(run, "billing", wanted), step="same")
    return passed()


def sleepy(run: Run) -> Verdict:
    """Freezes on its way out, when everything is written."""
    run.act("toy.set", _target(run, "billing", "down"))
    atexit.register(os.kill, os.getpid(), signal.SIGSTOP)
    return passed()
