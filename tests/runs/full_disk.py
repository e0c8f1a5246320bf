"""Runs whose state folder is on a filesystem that fills up while they act.

`python -m tests.runs.full_disk DISK WORLD lever|act`, see `tests/tiny_disk.py`. The world is on another disk.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from keelwatch.ledger import FactKind, open_ledger, verify
from keelwatch.runs import heal, list_open, stop_all
from keelwatch.runs.mark import kill_marked
from keelwatch.workspace import ExitCode, SourceError
from tests.runs.conftest import Stage
from tests.tiny_disk import fill, free
from tests.toys.processes import TABLE
from tests.toys.world import effects, value


def the_lever_still_works(stage: Stage, disk: Path) -> None:
    run = stage.spawn("chaos", hold_s=60.0)
    stage.until_value("cache", "lost")
    _fill(stage, disk)
    with pytest.raises(SourceError):
        stage.spawn("chaos")  # what cannot be recorded does not begin

    (report,) = stop_all("toy")
    assert report.signalled
    assert report.error, "it says that it could not be recorded"
    stage.until_over(run, within_s=40.0)
    assert (value(stage.world, "billing"), value(stage.world, "cache")) == ("", "")
    _heals_once_there_is_room(stage, disk)


def no_record_no_act(stage: Stage, disk: Path) -> None:
    run = stage.spawn("late")
    stage.until_value("first", "changed")
    _fill(stage, disk)
    (stage.world / "go").touch()

    stage.until_over(run, within_s=40.0)
    assert "late" not in " ".join(effects(stage.world))
    assert value(stage.world, "first") == "", "undone without a record"
    _heals_once_there_is_room(stage, disk)


def _fill(stage: Stage, disk: Path) -> None:
    """Also the room within the blocks that the ledger has already."""
    fill(disk)
    for _ in range(200):
        try:
            stage.ledger.append("", FactKind.NOTE, {"event": "filler", "words": "x" * 1000}, actor="x")
        except SourceError:
            return
    raise AssertionError("the disk is not full")


def _heals_once_there_is_room(stage: Stage, disk: Path) -> None:
    free(disk)
    assert heal(stage.ledger, TABLE).exit_code is ExitCode.PASS
    assert list_open(stage.ledger) == ()
    assert verify(stage.ledger).flaw is None


def main(disk: Path, world: Path, what: str) -> None:
    os.environ["KEELWATCH_STATE"] = str(disk / "state")
    stage = Stage(disk / "state", world, open_ledger())
    try:
        {"lever": the_lever_still_works, "act": no_record_no_act}[what](stage, disk)
    finally:
        stage.ledger.close()
        kill_marked("KEELWATCH_STATE", str(stage.state))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
