"""`e`: the screen as a picture and its numbers as JSON, in the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace import SourceError, redact, state_dir, utc
from slo.status import to_json

if TYPE_CHECKING:
    from console.tui.app import Keelwatch
    from probes.record import Execution


def export(app: Keelwatch) -> Path:
    """Write `screen.svg` and, once there is a snapshot, `status.json`; returns their folder.

    Raises `SourceError` when they cannot be written.
    """
    world = app.shown
    folder = state_dir() / "exports" / utc(world.now).replace(":", "")
    _write(folder / "screen.svg", app.export_screenshot())
    if world.snapshot is not None:
        _write(folder / "status.json", json.dumps(to_json(world.snapshot), indent=2) + "\n")
    return folder


def export_execution(execution: Execution) -> Path:
    """Write `execution` as JSON; returns the file. Raises `SourceError` when it cannot be written."""
    from probes.record_json import to_json as as_json

    file = (
        state_dir()
        / "exports"
        / f"{execution.journey}-{execution.region}-{execution.id or execution.run}.json"
    )
    _write(file, json.dumps(as_json(execution), indent=2, ensure_ascii=False) + "\n")
    return file


def _write(file: Path, text: str) -> None:
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(redact(text), encoding="utf-8")
    except OSError as error:
        raise SourceError(f"cannot write {file}: {error.strerror}", "free some space") from None
