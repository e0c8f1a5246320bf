"""The last executions of each journey in each region, kept in the state folder for whoever looks.

One file per execution; what a list of them needs stands in its name. Written by any process, pruned by each.
"""

from __future__ import annotations

import json
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.paths import state_dir
from keelwatch.workspace.sink import redact
from probes.record import Execution, Result
from probes.record_json import execution_of, to_json

KEPT = 20
_NAME = re.compile(r"(?P<started>\d+)_(?P<took>\d+)_(?P<result>[a-z]+)_(?P<id>[0-9a-f]+)\.json\Z")


@dataclass(frozen=True, slots=True)
class Past:
    """An execution in a list. `started` is Unix s."""

    started: float
    took_s: float
    result: Result
    id: str
    file: Path

    def load(self) -> Execution | None:
        """None when it was pruned meanwhile, or cannot be read."""
        try:
            return execution_of(json.loads(self.file.read_text(encoding="utf-8")))
        except (OSError, ValueError):
            return None


class History:
    """Of one environment."""

    def __init__(self, environment: str) -> None:
        self._folder = state_dir() / "probes" / quote(environment, safe="") / "results"

    def keep(self, execution: Execution) -> None:
        """Raises `SourceError` when it cannot be written."""
        folder = self._of(execution.journey, execution.region)
        started, took = int(execution.started * 1000), int(execution.took_s * 1000)
        file = folder / f"{started}_{took}_{execution.result}_{execution.id}.json"
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = file.with_suffix(f".{os.getpid()}.part")
            text = redact(json.dumps(to_json(execution), ensure_ascii=False))
            part.write_text(text, encoding="utf-8", errors="backslashreplace")
            part.replace(file)
        except OSError as error:
            raise SourceError(
                f"cannot keep a result in {folder}: {error.strerror}", "free some space"
            ) from None
        self._prune(execution.journey, execution.region)

    def of(self, journey: str, region: str) -> list[Past]:
        """Newest first: the last `KEPT`, and the last green one if it is older."""
        try:
            names = [file.name for file in self._of(journey, region).iterdir()]
        except OSError:
            return []
        found = [past for name in names if (past := self._past(journey, region, name))]
        return sorted(found, key=lambda past: -past.started)

    def last_green(self, journey: str, region: str, before: float) -> Past | None:
        """The last that passed and began before `before`."""
        return next(
            (one for one in self.of(journey, region) if one.result is Result.PASS and one.started < before),
            None,
        )

    def _of(self, journey: str, region: str) -> Path:
        return self._folder / f"{quote(journey, safe='')}@{quote(region, safe='')}"

    def _past(self, journey: str, region: str, name: str) -> Past | None:
        found = _NAME.match(name)
        if found is None or found["result"] not in set(Result):
            return None
        started, took = int(found["started"]) / 1000, int(found["took"]) / 1000
        return Past(started, took, Result(found["result"]), found["id"], self._of(journey, region) / name)

    def _prune(self, journey: str, region: str) -> None:
        past = self.of(journey, region)
        green = next((one for one in past if one.result is Result.PASS), None)
        for one in past[KEPT:]:
            if one != green:
                with suppress(OSError):
                    one.file.unlink()
