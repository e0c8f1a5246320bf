"""Where Keelwatch keeps its state: one folder, private to the user."""

from __future__ import annotations

import contextlib
import os
import re
import stat
import tempfile
from pathlib import Path

from keelwatch.workspace.errors import SourceError, UsageError

RUN_ID = "[A-Za-z0-9][A-Za-z0-9._-]{0,127}"
SANDBOX_NAME = "[a-z0-9][a-z0-9-]{0,31}"
SANDBOX_NAME_IN_WORDS = "lower-case letters, digits and inner dashes; at most 32"


def state_dir() -> Path:
    """The state folder, with mode 0700: made when missing, tightened when it is wider.

    `$KEELWATCH_STATE`, else `$XDG_STATE_HOME/keelwatch`, else `~/.local/state/keelwatch`, else
    (no HOME) `$TMPDIR/keelwatch-<uid>`. Raises `SourceError` when it cannot be made or is another user's.
    """
    path = _choose()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = path.stat()
    except OSError as error:
        raise SourceError(
            f"cannot use the state folder {path}: {error.strerror}", "set KEELWATCH_STATE"
        ) from None
    if found.st_uid != os.getuid():
        raise SourceError(
            f"the state folder {path} belongs to uid {found.st_uid}", "set KEELWATCH_STATE to one of yours"
        )
    _tighten(path, found.st_mode)
    return path


def _tighten(path: Path, mode: int) -> None:
    # A sticky folder is shared by design: root who names /tmp must not lock everybody else out of it.
    if mode & 0o077 and not mode & stat.S_ISVTX and path != path.parent:
        with contextlib.suppress(OSError):  # read-only; reading still works
            path.chmod(0o700)


def _choose() -> Path:
    if explicit := os.environ.get("KEELWATCH_STATE"):
        return Path(explicit).absolute()
    if xdg := os.environ.get("XDG_STATE_HOME"):
        return Path(xdg) / "keelwatch"
    if home := os.environ.get("HOME"):
        return Path(home) / ".local" / "state" / "keelwatch"
    return Path(tempfile.gettempdir()) / f"keelwatch-{os.getuid()}"


def ledger_path() -> Path:
    return state_dir() / "ledger.sqlite"


def run_dir(run: str) -> Path:
    """Raises `UsageError` for a text that is no run's id: it might lead out of the state folder."""
    if not re.fullmatch(RUN_ID, run):
        raise UsageError(f"there is no run {run!r}", "see: keelwatch runs")
    return state_dir() / "runs" / run


def sandbox_dir(name: str) -> Path:
    """Raises `UsageError` for a name that is none: it would lead out of the state folder."""
    if not re.fullmatch(SANDBOX_NAME, name):
        raise UsageError(f"{name!r} cannot name a sandbox", SANDBOX_NAME_IN_WORDS)
    return state_dir() / "sandbox" / name


def endpoints_path(name: str) -> Path:
    return sandbox_dir(name) / "endpoints.json"
