"""Tavern, the peer: in a virtual environment of its own, for it and we need different versions of pytest."""

from __future__ import annotations

import os
import shutil
import subprocess
import venv
from dataclasses import dataclass
from pathlib import Path

from keelwatch.workspace import write_out
from tests.bench.five_steps import tavern_file
from tests.bench.truth_server import Truth

PINS = ("tavern==3.7.1", "pytest==8.4.2", "pytest-xdist==3.8.0")  # it breaks with pytest 9
INSTALL_S = 90.0


@dataclass(frozen=True, slots=True)
class Tavern:
    python: Path

    def start(self, scratch: Path, truth: Truth, count: int, *, processes: int = 0) -> subprocess.Popen[str]:
        """So many journeys, in that many processes beside its own, or in its own."""
        file = scratch / f"test_{count}.tavern.yaml"
        file.write_text(tavern_file(truth, count))
        spread = ["-n", str(processes)] if processes else ["-p", "no:xdist"]
        command = [str(self.python), "-m", "pytest", "-q", "-p", "no:cacheprovider", *spread, str(file)]
        environment = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
        return subprocess.Popen(
            command,
            cwd=scratch,
            env={**environment, "REQUESTS_CA_BUNDLE": str(truth.ca)},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def run(self, scratch: Path, truth: Truth, count: int, *, processes: int = 0) -> None:
        """Raises `RuntimeError` when a journey fails: it measures nothing."""
        started = self.start(scratch, truth, count, processes=processes)
        told, _ = started.communicate()
        if started.returncode:
            raise RuntimeError(f"Tavern ended with {started.returncode}: {told[-2000:]}")


def tavern() -> Tavern | None:
    """Kept in the cache folder from one bench to the next; None, and a line that says so, without it."""
    cache = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = Path(cache).expanduser() / "keelwatch" / "bench" / "-".join(PINS).replace("==", "-")
    python, complete = folder / "bin" / "python", folder / "complete"
    try:
        if not complete.exists():
            shutil.rmtree(folder, ignore_errors=True)
            venv.create(folder, with_pip=True)
            install = [str(python), "-m", "pip", "install", "-q", "--disable-pip-version-check", *PINS]
            subprocess.run(install, check=True, timeout=INSTALL_S, stderr=subprocess.DEVNULL)
            complete.touch()
    except (OSError, subprocess.SubprocessError) as error:
        write_out(f"the peer is missing, {PINS[0]} cannot be installed: {type(error).__name__}")
        return None
    return Tavern(python)
