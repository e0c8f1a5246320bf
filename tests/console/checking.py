"""`init` and `check` as their users call them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

PYTHON = [sys.executable, "-m", "console.main"]


def keelwatch(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PYTHON, *map(str, words)], capture_output=True, text=True, timeout=60, check=False, cwd=cwd
    )


def problems(*words: str | Path) -> list[str]:
    """`file:line:column: found` of each problem, as told in JSON; the exit code must fit."""
    done = keelwatch(*words, "--json")
    told = json.loads(done.stdout)["problems"]
    assert done.returncode == (3 if told else 0), done.stderr
    return [f"{Path(one['file']).name}:{one['line']}:{one['column']}: {one['found']}" for one in told]


def written(folder: Path) -> Path:
    """A workspace that `init` wrote there."""
    assert keelwatch("init", folder, "--prometheus", "https://prometheus.example:9090").returncode == 0
    return folder
