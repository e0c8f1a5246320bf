"""Which workspace is meant. Light: the first frame asks this before any YAML is read."""

from __future__ import annotations

from pathlib import Path

from keelwatch.workspace.errors import UsageError

FILE_NAME = "keelwatch.yaml"


def built_in() -> Path:
    """The workspace of the sandbox, shipped with the program."""
    return Path(__file__).parent.parent / "sandbox" / FILE_NAME


def find(explicit: Path | None, start: Path) -> Path:
    """The workspace file: `explicit` (a file or folder), else the nearest upwards, else the built-in one."""
    if explicit is not None:
        file = explicit / FILE_NAME if explicit.is_dir() else explicit
        if not file.is_file():
            raise UsageError(f"no workspace at {explicit}", f"keelwatch init {explicit}")
        return file.absolute()
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file():
            return folder / FILE_NAME
    return built_in()
