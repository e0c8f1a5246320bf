"""Locust's process, seen from its run."""

from __future__ import annotations

from pathlib import Path

import pytest

from loadtests.generator import last_words


@pytest.mark.parametrize(
    ("log", "words"),
    [
        (
            'Traceback (most recent call last):\n  File "a.py", line 1\nImportError: no b\n',
            "ImportError: no b",
        ),
        ("locust.exception.StopError: enough\nbye\n", "locust.exception.StopError: enough"),
        ("[2026-11-26 05:44:45,968] vm/ERROR/locust.main: No User class found!\n", "No User class found!"),
        ("Duplicate shape classes: Big\n", "Duplicate shape classes: Big"),
        ("[2026-11-26 05:44:45,968] vm/INFO/locust.main: Starting Error\n", "it said nothing of why"),
    ],
)
def test_the_last_error_of_a_log_is_told_with_the_log(tmp_path: Path, log: str, words: str) -> None:
    (tmp_path / "locust.log").write_text(log)
    assert last_words(tmp_path) == f"{words} (log: {tmp_path}/locust.log)"
