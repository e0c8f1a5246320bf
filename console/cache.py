"""The last good world on disk, so that the first frame shows something, labelled with its age.

It is kept twice in one file: as text, painted before anything is loaded that could read the snapshot, and
as the snapshot itself, for the real screens a moment later.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.view.numbers import length
from keelwatch.workspace import KeelwatchError, redact, state_dir
from keelwatch.workspace.find import find, here

if TYPE_CHECKING:
    from console.view.world import World

VERSION = 3
NARROW_FRAME, WIDE_FRAME = 80, 120


def remember(workspace_file: Path, world: World) -> None:
    """Keep `world` for the next start. A full or read-only disk costs only the cached first frame."""
    from console.view.plain import frame
    from slo.status import to_json

    if world.snapshot is None or world.stale:
        return
    document = {
        "version": VERSION,
        "environment": world.environment,
        "regions": list(world.regions),
        "source": world.source,
        "backfill_until": world.backfill_until,
        "changes": [{"at": one.at, "text": one.text, "actor": one.actor} for one in world.changes],
        "frames": {str(width): asdict(frame(world, width)) for width in (NARROW_FRAME, WIDE_FRAME)},
        "status": to_json(world.snapshot),
    }
    text = redact(json.dumps(document))
    try:
        for path in (_path(workspace_file, world.environment), _path(workspace_file, None)):
            _write(path, text)
    except (OSError, KeelwatchError):
        return


def last_frame(
    workspace: Path | None, environment: str | None, now: float, size: tuple[int, int]
) -> list[str] | None:
    """The remembered Overview as text for a screen of `size` (columns, rows), its first line made for `now`.

    Loads nothing but JSON. The last line names the next key.
    """
    document = _document(workspace, environment)
    width, height = size
    try:
        frame = document["frames"][str(WIDE_FRAME if width >= WIDE_FRAME else NARROW_FRAME)]
        status = document["status"]
        age_s = max(0, int(now - status["at"] + status["fresh_s"]))
        where = f"{str(document['environment']).upper()}  {'+'.join(document['regions'])}"
        head = f" {where} | READ-ONLY | CACHED {length(age_s)} ago | asking {document['source']}"
        above = [head, *map(str, frame["above"])]
        room = max(0, height - len(above) - 1)
        return [*above, *map(str, frame["rows"][:room]), str(frame["below"])]
    except (KeyError, TypeError):
        return None


def last_world(workspace: Path | None, environment: str | None, now: float) -> World | None:
    """The world remembered for this workspace and environment; None when there is none to trust."""
    from console.view.world import Change, Origin, World
    from slo.status import from_json

    document = _document(workspace, environment)
    try:
        return World(
            environment=str(document["environment"]),
            regions=tuple(str(region) for region in document["regions"]),
            origin=Origin.CACHED,
            now=now,
            snapshot=from_json(document["status"]),
            changes=tuple(
                Change(float(c["at"]), str(c["text"]), str(c["actor"])) for c in document["changes"]
            ),
            source=str(document["source"]),
            backfill_until=document["backfill_until"],
        )
    except (ValueError, KeyError, TypeError, KeelwatchError):
        return None


def _document(workspace: Path | None, environment: str | None) -> Mapping[str, Any]:
    """What is on disk for them, unread; empty when there is nothing of this version."""
    try:
        path = _path(find(workspace, here()), environment)
        document = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, KeelwatchError):
        return {}
    if not isinstance(document, dict) or document.get("version") != VERSION:
        return {}
    return document


def _path(workspace_file: Path, environment: str | None) -> Path:
    name = hashlib.sha256(f"{workspace_file}\0{environment or ''}".encode()).hexdigest()[:16]
    return state_dir() / "cache" / f"{name}.json"


def _write(path: Path, text: str) -> None:
    """Whole or not at all: a reader never sees half a document."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    scratch = path.with_suffix(f".{os.getpid()}.tmp")
    try:
        scratch.write_text(text, encoding="utf-8")
        scratch.replace(path)
    finally:
        scratch.unlink(missing_ok=True)
