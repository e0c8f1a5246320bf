"""Buckets on disk come back as they were, whatever objectives came and went in between."""

from __future__ import annotations

import os
from math import isnan, nan
from pathlib import Path

import pytest

from keelwatch.workspace.errors import SourceError
from slo.store import Store, forget_unused


def load(path: Path, *keys: str, since: int = 0, until: int = 10_000) -> dict[str, dict[int, float]]:
    found = Store(path).load(300, since, until, keys)
    return {key: dict(zip(*columns, strict=True)) for key, columns in found.items()}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "buckets.sqlite"


def test_what_was_saved_comes_back_after_a_restart(path: Path) -> None:
    store = Store(path)
    store.save(300, [300, 600], {"a": [1.0, 2.5], "b": [0.0, nan]})
    store.close()
    found = load(path, "a", "b", "c")
    assert found["a"] == {300: 1.0, 600: 2.5}
    assert found["b"][300] == 0.0
    assert isnan(found["b"][600])
    assert "c" not in found


def test_a_bucket_asked_again_replaces_the_one_before(path: Path) -> None:
    store = Store(path)
    store.save(300, [300, 600], {"a": [1.0, 2.0]})
    store.save(300, [600, 900], {"a": [5.0, 3.0]})
    assert load(path, "a")["a"] == {300: 1.0, 600: 5.0, 900: 3.0}


def test_a_stream_keeps_its_past_when_others_join_and_leave(path: Path) -> None:
    store = Store(path)
    store.save(300, [300], {"a": [1.0]})
    store.save(300, [600], {"a": [2.0], "b": [9.0]})
    store.save(300, [900], {"a": [3.0]})
    assert load(path, "a", "b") == {"a": {300: 1.0, 600: 2.0, 900: 3.0}, "b": {600: 9.0}}


def test_only_the_stretch_and_the_step_asked_for(path: Path) -> None:
    store = Store(path)
    store.save(300, [300, 600, 900], {"a": [1.0, 2.0, 3.0]})
    store.save(3600, [3600], {"a": [60.0]})
    assert load(path, "a", since=600, until=600)["a"] == {600: 2.0}


def test_old_buckets_are_forgotten(path: Path) -> None:
    store = Store(path)
    store.save(300, [300, 600], {"a": [1.0, 2.0]})
    store.prune(300, 600)
    assert load(path, "a")["a"] == {600: 2.0}


def test_two_programs_share_one_file(path: Path) -> None:
    one, other = Store(path), Store(path)
    one.save(300, [300], {"a": [1.0]})
    other.save(300, [600], {"a": [2.0]})
    assert load(path, "a")["a"] == {300: 1.0, 600: 2.0}


def test_no_database_is_said(path: Path) -> None:
    path.write_bytes(b"something else entirely" * 100)
    with pytest.raises(SourceError, match="cannot be used"):
        Store(path)


def test_a_folder_that_is_not_there_is_said(path: Path) -> None:
    with pytest.raises(SourceError, match="cannot be used"):
        Store(path.parent / "missing" / "buckets.sqlite")


def test_stores_that_nobody_uses_any_more_are_forgotten(tmp_path: Path) -> None:
    now = 1_000_000.0
    for name, days in (("used", 1), ("kept", 9), ("gone", 9)):
        store = Store(tmp_path / f"buckets-{name}.sqlite")
        store.save(300, [300], {"a": [1.0]})
        if name != "gone":  # one that was closed has no files beside it
            store.close()
        for file in tmp_path.glob(f"buckets-{name}.sqlite*"):
            os.utime(file, (0, now - days * 86400))
    (tmp_path / "snapshot.json").write_text("{}")
    os.utime(tmp_path / "snapshot.json", (0, 0))

    forgotten = forget_unused(tmp_path, now, 7 * 86400, keep=tmp_path / "buckets-kept.sqlite")

    assert forgotten == 1
    left = {"buckets-kept.sqlite", "buckets-used.sqlite", "snapshot.json"}
    assert {file.name for file in tmp_path.iterdir()} == left


def test_opening_a_store_is_using_it(tmp_path: Path) -> None:
    path = tmp_path / "buckets-1.sqlite"
    Store(path).close()
    os.utime(path, (0, 0))
    Store(path).close()

    assert forget_unused(path.parent, path.stat().st_mtime, 1.0) == 0
    assert forget_unused(path.parent, path.stat().st_mtime + 2.0, 1.0) == 1


def test_a_folder_without_stores_is_nothing_to_forget(tmp_path: Path) -> None:
    assert forget_unused(tmp_path / "missing", 0.0) == 0
