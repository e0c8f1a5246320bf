"""The heartbeat's file: numbers rise whatever happens to it, and it never grows without end."""

from __future__ import annotations

import json
from pathlib import Path

from keelwatch.sandbox.heartbeat.record import Record


def test_numbers_go_on_after_the_last_one_written(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat.jsonl"
    assert Record(file).last == 0
    record = Record(file)
    record.write(n=1, at=1.5, region="west", lsn="0/1")
    record.write(n=2, at=1.6, failed="AdminShutdown")
    assert Record(file).last == 2


def test_a_line_cut_off_by_a_kill_counts_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat.jsonl"
    file.write_text('{"n": 7, "at": 1}\n{"n": 8, "a')
    assert Record(file).last == 7


def test_the_older_half_is_kept_and_the_rest_dropped(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat.jsonl"
    record = Record(file, largest_bytes=1000)
    for n in range(200):
        record.write(n=n, at=0.0)
    older = file.with_name("heartbeat.jsonl.1")
    assert file.stat().st_size <= 1020
    assert older.stat().st_size <= 1020
    numbers = [json.loads(line)["n"] for each in (older, file) for line in each.read_text().splitlines()]
    assert numbers == list(range(numbers[0], 200)), "no line is lost where one file follows the other"


def test_numbers_go_on_right_after_the_file_was_changed_for_a_new_one(tmp_path: Path) -> None:
    file = tmp_path / "heartbeat.jsonl"
    file.with_name("heartbeat.jsonl.1").write_text('{"n": 41, "at": 1}\n')
    assert Record(file).last == 41
