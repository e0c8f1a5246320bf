"""The toy world: a folder. Each target is a file whose text is its state; every effect that lands is a
line appended to `effects.log`, so that a doubled one shows."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from pathlib import Path

from keelwatch.runs.mark import read_mark


def value(world: Path, target: str) -> str:
    path = world / target
    return path.read_text() if path.exists() else ""


def land(world: Path, verb: str, target: str, text: str) -> None:
    """An effect reaches the world."""
    line = f"{verb} {target} {text}\n".encode()
    fd = os.open(world / "effects.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.write(fd, line)
    os.close(fd)
    draft = world / f".{target}.{os.getpid()}"
    draft.write_text(text)
    draft.replace(world / target)


def land_later(world: Path, verb: str, target: str, text: str, delay_s: float) -> None:
    """A request on its way: it lands after `delay_s`, whatever becomes of who sent it."""
    script = 'sleep "$1"; printf "%s %s %s\\n" "$2" "$3" "$4" >> effects.log; printf %s "$4" > "$3"'
    subprocess.Popen(
        ["/bin/sh", "-c", script, "sh", str(delay_s), verb, target, text],
        cwd=world,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def effects(world: Path) -> list[str]:
    path = world / "effects.log"
    return path.read_text().splitlines() if path.exists() else []


def crash_at(world: Path, point: str) -> None:
    """Strike here, once, when `crash.json` in the world says so: {point, runs, signal, victims}."""
    order = world / "crash.json"
    try:
        wanted = json.loads(order.read_text())
    except FileNotFoundError:
        return
    if wanted["point"] != point:
        return
    order.rename(world / "crashed.json")
    (folder,) = Path(wanted["runs"]).iterdir()
    strike(folder, wanted["victims"], signal.Signals[wanted["signal"]])


def strike(folder: Path, victims: list[str], number: signal.Signals) -> bool:
    """Signal the processes of a run, `run` and `guardian`; the one that calls this comes last."""
    marks = [
        read_mark(folder / {"run": "process.json", "guardian": "guardian.json"}[name]) for name in victims
    ]
    found = sorted((mark for mark in marks if mark), key=lambda mark: mark.pid == os.getpid())
    sent = [mark.send(number) for mark in found]
    if any(mark.pid == os.getpid() for mark in found):
        time.sleep(0.01)  # the signal to oneself arrives before this returns
    return any(sent)
