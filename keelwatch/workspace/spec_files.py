"""Which files of a spec folder are read: one answer for `check`, for every room and for every screen."""

from __future__ import annotations

import os
from collections.abc import Collection
from pathlib import Path

from keelwatch.workspace.errors import InputError, Problem

SUFFIXES = frozenset({".yaml", ".yml"})
EXPERIMENTS = SUFFIXES | {".json"}  # Chaos Toolkit takes both
MAX_FOLDERS = 5_000  # a spec folder holds a handful; a whole disk, named by mistake, is not searched


def spec_files(folder: Path, suffixes: Collection[str] = SUFFIXES) -> tuple[list[Path], list[Problem]]:
    """Every `*.yaml` and `*.yml` (or what else `suffixes` say) under `folder`, sorted, and what kept us from
    looking further.

    Not looked at: names that begin with a dot, and folders that are links. Links to files count, also
    those that lead nowhere, for whoever reads them says so. A folder that does not exist holds nothing.
    """
    found: list[Path] = []
    problems: list[Problem] = []
    if not os.path.lexists(folder):
        return found, problems
    walk = os.walk(folder, onerror=lambda error: problems.append(_unreadable(error, folder)))
    for count, (place, folders, files) in enumerate(walk):
        if count >= MAX_FOLDERS:
            return [], [Problem(folder, 1, 1, f"over {MAX_FOLDERS} folders", "the folder of a workspace")]
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        found += [Path(place, name) for name in files if _is_spec(name, suffixes)]
    return sorted(found), problems


def all_spec_files(folder: Path) -> list[Path]:
    """The same files. Raises `InputError` when something kept us from looking further."""
    files, problems = spec_files(folder)
    if problems:
        raise InputError(problems)
    return files


def _is_spec(name: str, suffixes: Collection[str]) -> bool:
    return not name.startswith(".") and Path(name).suffix in suffixes


def _unreadable(error: OSError, folder: Path) -> Problem:
    place = Path(error.filename or folder)
    if isinstance(error, NotADirectoryError):
        return Problem(place, 1, 1, "a file", "a folder of specs")
    return Problem(place, 1, 1, f"no readable folder ({error.strerror})", "a folder of specs")
