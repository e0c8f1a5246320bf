"""Where Keelwatch keeps its state: one folder, private to the user."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

from keelwatch.workspace.errors import SourceError


def state_dir() -> Path:
    """The state folder, made with mode 0700 when missing.

    `$KEELWATCH_STATE`, else `$XDG_STATE_HOME/keelwatch`, else `~/.local/state/keelwatch`, else
    (no HOME) `$TMPDIR/keelwatch-<uid>`. Raises `SourceError` when it cannot be made or is another user's.
    """
    path = _choose()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = path.stat().st_uid
    except OSError as error:
        raise SourceError(
            f"cannot use the state folder {path}: {error.strerror}", "set KEELWATCH_STATE"
        ) from None
    if owner != os.getuid():
        raise SourceError(
            f"the state folder {path} belongs to uid {owner}", "set KEELWATCH_STATE to one of yours"
        )
    return path


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
    return state_dir() / "runs" / run


def sandbox_dir(name: str) -> Path:
    return state_dir() / "sandbox" / name


def endpoints_path(name: str) -> Path:
    return sandbox_dir(name) / "endpoints.json"
