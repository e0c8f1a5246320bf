"""The last good world on disk, so that the first frame shows something, labelled with its age."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

from console.view.world import Change, Origin, World
from keelwatch.workspace import KeelwatchError, redact, state_dir
from keelwatch.workspace.find import find
from slo.status import from_json, to_json

VERSION = 1


def remember(workspace_file: Path, world: World) -> None:
    """Keep `world` for the next start. A full disk costs only the cached first frame."""
    if world.snapshot is None or world.stale:
        return
    document = {
        "version": VERSION,
        "environment": world.environment,
        "regions": list(world.regions),
        "source": world.source,
        "backfill_until": world.backfill_until,
        "changes": [{"at": one.at, "text": one.text, "actor": one.actor} for one in world.changes],
        "status": to_json(world.snapshot),
    }
    text = redact(json.dumps(document))
    for path in (_path(workspace_file, world.environment), _path(workspace_file, None)):
        try:
            _write(path, text)
        except OSError:
            return


def last_world(workspace: Path | None, environment: str | None, now: float) -> World | None:
    """The world remembered for this workspace and environment; None when there is none to trust."""
    try:
        path = _path(find(workspace, Path.cwd()), environment)
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["version"] != VERSION:
            return None
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
    except (OSError, ValueError, KeyError, TypeError, KeelwatchError):
        return None


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
