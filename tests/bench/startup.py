"""How soon the console answers: `python -m tests.bench.startup`.

First frame: in a pseudo-terminal, from exec to the first words, beside a Textual app that shows one line.
`--help`: beside `python -c 'import click'`. Medians of interleaved cold processes; limits are the design's.
"""

from __future__ import annotations

import fcntl
import json
import os
import pty
import select
import statistics
import struct
import subprocess
import sys
import tempfile
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from console import cache
from keelwatch.workspace import write_out
from keelwatch.workspace.find import built_in
from tests.console.worlds import world

ROUNDS = 15
FRAME_RATIO = 1.2
HELP_RATIO = 1.6
HELP_MS = 150.0
EMPTY_APP = """
from textual.app import App
from textual.widgets import Static
class Empty(App):
    def compose(self):
        yield Static("FIRST FRAME")
Empty().run()
"""


def until_words(argv: Sequence[str], words: bytes, environment: dict[str, str]) -> float:
    """Milliseconds from starting `argv` in a terminal of 120x36 until it has painted `words`."""
    began = time.perf_counter()
    pid, terminal = pty.fork()
    if pid == 0:
        os.execve(argv[0], list(argv), environment)
    try:
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
        seen = b""
        while words not in seen:
            if not select.select([terminal], [], [], 10)[0]:
                raise TimeoutError(seen.decode(errors="replace")[-500:])
            seen += os.read(terminal, 65536)
        return (time.perf_counter() - began) * 1000
    finally:
        os.kill(pid, 9)
        os.waitpid(pid, 0)
        os.close(terminal)


def whole(argv: Sequence[str]) -> float:
    """Milliseconds that a process takes from start to end."""
    began = time.perf_counter()
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)
    return (time.perf_counter() - began) * 1000


def medians(*measures: Callable[[], float]) -> list[float]:
    """The median of each, taken in turns so that a busy moment strikes all of them."""
    taken: list[list[float]] = [[] for _ in measures]
    for _ in range(ROUNDS):
        for values, measure in zip(taken, measures, strict=True):
            values.append(measure())
    return [statistics.median(values) for values in taken]


def first_frames(state: Path) -> bool:
    environment = {**os.environ, "KEELWATCH_STATE": str(state), "TERM": "xterm-256color", "LANG": "C.UTF-8"}
    keelwatch = str(Path(sys.executable).parent / "keelwatch")

    def loading() -> float:
        nothing_cached = {**environment, "KEELWATCH_STATE": f"{state}-2"}
        return until_words([sys.executable, keelwatch], b"READ-ONLY", nothing_cached)

    empty, cold, cached = medians(
        lambda: until_words([sys.executable, "-c", EMPTY_APP], b"FIRST FRAME", environment),
        loading,
        lambda: until_words([sys.executable, keelwatch], b"CACHED", environment),
    )
    write_out(f"first frame: empty Textual app {empty:.0f} ms")
    held = True
    for name, took in (("loading", cold), ("from the cached snapshot", cached)):
        ratio = took / empty
        held = held and ratio <= FRAME_RATIO
        write_out(f"first frame {name}: {took:.0f} ms, {ratio:.2f} x the empty app (limit {FRAME_RATIO} x)")
    return held


def helps() -> bool:
    keelwatch = str(Path(sys.executable).parent / "keelwatch")
    peer, ours = medians(
        lambda: whole([sys.executable, "-c", "import click"]),
        lambda: whole([sys.executable, keelwatch, "--help"]),
    )
    ratio = ours / peer
    write_out(f"--help: {ours:.0f} ms (limit {HELP_MS:.0f} ms)")
    write_out(f"--help: {ratio:.2f} x `import click` (limit {HELP_RATIO} x)")
    return ours <= HELP_MS and ratio <= HELP_RATIO


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        state = Path(folder) / "state"
        os.environ["KEELWATCH_STATE"] = str(state)
        cache.remember(built_in(), world())
        assert json.loads(next((state / "cache").glob("*.json")).read_text())["environment"] == "sandbox"
        held = [first_frames(state), helps()]
    return 0 if all(held) else 1


if __name__ == "__main__":
    raise SystemExit(main())
