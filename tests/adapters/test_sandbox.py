"""The sandbox's control socket, when nobody answers it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelwatch.adapters import sandbox
from keelwatch.workspace import SourceError, UnknownResult, sandbox_dir


@pytest.fixture
def silent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A supervisor that takes what it is asked, and says nothing."""
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    folder = sandbox_dir("main")
    folder.mkdir(parents=True)
    handle = os.open(folder, os.O_PATH)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(f"/proc/self/fd/{handle}/{sandbox.SOCKET}")
        listener.listen()
        yield
    os.close(handle)


@pytest.mark.usefixtures("silent")
def test_a_question_without_an_answer_fails_and_a_deed_without_one_is_unknown() -> None:
    with pytest.raises(SourceError, match=r"did not answer within 0\.05 s"):
        sandbox.status(within_s=0.05)
    with pytest.raises(UnknownResult, match="the cache of west may be rejoining still"):
        sandbox.rejoin("cache", "west", within_s=0.05)


def test_a_sandbox_that_does_not_run_is_no_mystery(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    with pytest.raises(SourceError, match="the sandbox main is not running"):
        sandbox.rejoin("cache", "west")
