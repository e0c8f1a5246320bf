"""`e`: the screen as a picture and its numbers as JSON, in the state folder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace import redact, state_dir, utc
from slo.status import to_json

if TYPE_CHECKING:
    from console.tui.app import Keelwatch
    from probes.record import Execution


def export(app: Keelwatch) -> Path:
    """Write `screen.svg` and, once there is a snapshot, `status.json`; returns their folder."""
    world = app.shown
    folder = state_dir() / "exports" / utc(world.now).replace(":", "")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "screen.svg").write_text(redact(app.export_screenshot()), encoding="utf-8")
    if world.snapshot is not None:
        text = json.dumps(to_json(world.snapshot), indent=2)
        (folder / "status.json").write_text(redact(text) + "\n", encoding="utf-8")
    return folder


def export_execution(execution: Execution) -> Path:
    """Write `execution` as JSON; returns the file."""
    from probes.record_json import to_json as as_json

    folder = state_dir() / "exports"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{execution.journey}-{execution.region}-{execution.id or execution.run}.json"
    text = json.dumps(as_json(execution), indent=2, ensure_ascii=False)
    file.write_text(redact(text) + "\n", encoding="utf-8")
    return file
