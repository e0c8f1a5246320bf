"""Declare: what the user says should be, strictly read; and the words every room shares.

Promises: nothing here imports another room, and importing this door loads the standard library
alone (pydantic and ruamel come with `workspace.reader` and `workspace.model`, when a file is read).
"""

from keelwatch.workspace.clock import Clock, FixedClock, SystemClock, boot_id, utc
from keelwatch.workspace.errors import (
    ExitCode,
    Fenced,
    InputError,
    InternalError,
    KeelwatchError,
    KernelError,
    LeftBehind,
    Problem,
    Refused,
    SourceError,
    UnknownResult,
    UsageError,
    worst,
)
from keelwatch.workspace.paths import endpoints_path, ledger_path, run_dir, sandbox_dir, state_dir
from keelwatch.workspace.reading import Answer, Condition, Reading, Unknown, Value
from keelwatch.workspace.secret import Secret
from keelwatch.workspace.sink import narrate, redact, write_out

__all__ = [
    "Answer",
    "Clock",
    "Condition",
    "ExitCode",
    "Fenced",
    "FixedClock",
    "InputError",
    "InternalError",
    "KeelwatchError",
    "KernelError",
    "LeftBehind",
    "Problem",
    "Reading",
    "Refused",
    "Secret",
    "SourceError",
    "SystemClock",
    "Unknown",
    "UnknownResult",
    "UsageError",
    "Value",
    "boot_id",
    "endpoints_path",
    "ledger_path",
    "narrate",
    "redact",
    "run_dir",
    "sandbox_dir",
    "state_dir",
    "utc",
    "worst",
    "write_out",
]
