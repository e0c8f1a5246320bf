"""Secrets that cannot be printed, and the references by which a workspace names them."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.sink import SHORTEST, forget_secret, register_secret

COMMAND_SECONDS = 10.0
MASK = "***"


class Secret:
    """A value that shows itself only through `reveal()`. It cannot be pickled or formatted,
    and from its making on the output sink masks it wherever it turns up."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value
        register_secret(value)

    def reveal(self) -> str:
        return self._value

    def forget(self) -> None:
        """It is dead, and nothing that is still to be written can hold it: the sink looks for it no more."""
        forget_secret(self._value)

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("a Secret cannot be pickled")

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._value == self._value

    def __hash__(self) -> int:
        return hash(self._value)


def is_reference(text: str) -> bool:
    return text.startswith(("env:", "file:", "command:"))


def resolve(reference: str, base: Path) -> Secret:
    """The secret behind `env:NAME`, `file:PATH` (relative to `base`) or `command:WORDS`.

    Raises `SourceError` when it cannot be had, or is too short to be masked; the message names the
    reference, never the value.
    """
    kind, _, rest = reference.partition(":")
    match kind:
        case "env":
            value = os.environ.get(rest)
            if not value:
                raise SourceError(f"secret {reference}: the variable is not set", f"export {rest}=...")
        case "file":
            value = _read(base / Path(rest).expanduser(), reference)
        case "command":
            value = _run(rest, base, reference)
        case _:
            raise SourceError(f"secret reference of unknown kind {kind!r}", "use env:, file: or command:")
    if not value.strip():
        raise SourceError(f"secret {reference} is empty")
    value = value.rstrip("\r\n")
    if len(value) < SHORTEST:
        raise SourceError(
            f"secret {reference} is shorter than {SHORTEST} characters, too short to be masked in output",
            "use a longer one",
        )
    return Secret(value)


def _read(path: Path, reference: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SourceError(
            f"secret {reference}: {type(error).__name__} at {path}", "check path and mode"
        ) from None


def _run(words: str, base: Path, reference: str) -> str:
    try:
        done = subprocess.run(
            shlex.split(words),
            cwd=base,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=COMMAND_SECONDS,
            check=True,
        )
    except (OSError, ValueError, subprocess.SubprocessError) as error:
        raise SourceError(f"secret {reference}: {type(error).__name__}", "run the command by hand") from None
    return done.stdout
