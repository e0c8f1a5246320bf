"""From the experiment's process to its run. A line for each question: one that was given up must not leave
its answer to the next."""

from __future__ import annotations

import os
from contextlib import closing
from contextvars import ContextVar
from pathlib import Path
from typing import Any

from keelwatch.ledger import JsonObject
from keelwatch.runs.bridge import Line
from keelwatch.runs.fields import text
from keelwatch.workspace.errors import Refused, UnknownResult, UsageError
from keelwatch.workspace.reading import Answer

FOLDER_VARIABLE = "KEELWATCH_EXPERIMENT"
"""Names the run's folder to the process of its experiment."""

ROLLING_BACK: ContextVar[bool] = ContextVar("rolling_back", default=False)
"""Whether the activity that asks is one of the experiment's rollbacks."""


class OutOfBounds(Refused):
    """An act that the experiment may not make: it ends by that."""


def asked(question: JsonObject) -> dict[str, Any]:
    """What the run answers. Raises what its side raised, and `UsageError` outside of a run."""
    folder = os.environ.get(FOLDER_VARIABLE)
    if not folder:
        raise UsageError("there is no run to ask", "keelwatch chaos run NAME")
    with closing(Line(Path(folder))) as line:
        return dict(line.call(question))


def answered(found: JsonObject) -> bool:
    """Raises `UnknownResult` when nobody can tell."""
    if text(found, "answer") == Answer.UNKNOWN:
        raise UnknownResult(text(found, "evidence"))
    return text(found, "answer") == Answer.YES
