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
        return _named(explicit)
    return nearest(start) or built_in()


def nearest(start: Path) -> Path | None:
    """The nearest workspace file from the folder `start` upwards."""
    folders = (start, *start.parents)
    return next((folder / FILE_NAME for folder in folders if _is_file(folder / FILE_NAME)), None)


def here() -> Path:
    """The current folder. Raises `UsageError` when it has been removed."""
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(f"the current folder is gone ({error.strerror})", "cd to one that exists") from None


def _named(explicit: Path) -> Path:
    try:
        file = explicit / FILE_NAME if explicit.is_dir() else explicit
        if file.is_file():
            return file if file.is_absolute() else here() / file
    except OSError as error:
        raise UsageError(f"cannot look at {explicit}: {error.strerror}") from None
    raise UsageError(f"no workspace at {explicit}", f"keelwatch init {explicit}")


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:  # a folder above us that we may not look into
        return False
