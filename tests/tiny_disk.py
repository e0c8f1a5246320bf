"""A filesystem of one megabyte, to fill: a tmpfs that only the program under test and its children see.

It lives in a mount namespace of its own, so that nothing of it is left when the last of them has ended.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
MOUNT = 'mount -t tmpfs -o size=1m,mode=0700 tmpfs "$1" && shift && exec "$@"'
FILLER = "filler"


def on_a_tiny_disk(disk: Path, module: str, *words: str) -> None:
    """Run `python -m module disk words...` with the folder `disk` on a filesystem of 1 MiB; it must succeed.

    Skips the test, and says what is missing, where such a filesystem cannot be had.
    """
    disk.mkdir()
    _skip_unless_mountable(disk)
    done = _in_namespace(disk, sys.executable, "-m", module, str(disk), *words)
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(disk.iterdir()) == [], "the mount leaked out of its namespace"


def _skip_unless_mountable(disk: Path) -> None:
    if os.getuid() != 0:
        pytest.skip("a filesystem can be mounted by root alone")
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed (package util-linux)")
    tried = _in_namespace(disk, "true")
    if tried.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted in a namespace of its own: {tried.stderr.strip()}")


def _in_namespace(disk: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["unshare", "--mount", "--propagation", "private", "sh", "-c", MOUNT, "sh", str(disk), *command],
        env=os.environ | {"PYTHONPATH": str(ROOT), "TOY_TICK_S": "0.2"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def fill(disk: Path) -> None:
    """Until not one byte more fits."""
    with (disk / FILLER).open("ab", buffering=0) as file:
        for size in (65536, 4096, 1):
            try:
                while file.write(b"x" * size) == size:
                    pass
            except OSError:
                continue


def free(disk: Path) -> None:
    (disk / FILLER).unlink()
