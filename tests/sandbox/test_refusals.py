"""What `up` and the control refuse before they start: bad names, bad ports, a disk that takes nothing."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.sandbox import Options, down, lifecycle, status, up
from keelwatch.workspace import SourceError, UsageError


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("ask", [up, down, status, control.status, control.faults])
@pytest.mark.parametrize("name", ["../x", "", "Main", "main\n"])
def test_everybody_refuses_the_same_names(ask: Callable[[str], object], name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a sandbox"):
        ask(name)


@pytest.mark.parametrize("port", [-5, 0, 80, 1023, 65_336, 70_000])
def test_a_base_port_without_room_for_its_block_is_refused(port: int, state: Path) -> None:
    with pytest.raises(UsageError, match="cannot be the first of 200 ports"):
        up("refused", Options(base_port=port))
    assert list(state.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_named_with_the_reason(state: Path) -> None:
    (state / "sandbox").write_text("in the way")

    with pytest.raises(SourceError, match=r"cannot write .*/sandbox/refused: Not a directory") as failed:
        up("refused")
    assert "KEELWATCH_STATE" in failed.value.hint


def test_a_lock_that_cannot_be_written_is_named_with_the_reason(state: Path) -> None:
    (state / "sandbox" / "refused" / "lock").mkdir(parents=True)

    for ask in (up, down):
        with pytest.raises(SourceError, match=r"cannot write .*/refused/lock: Is a directory"):
            ask("refused")


def test_a_supervisor_that_ends_without_a_word_is_said_to_have(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (state / "logs").mkdir()
    (state / "logs" / "supervisor.log").write_text("")

    def ended() -> subprocess.Popen[bytes]:
        return subprocess.Popen(["false"], stdout=subprocess.PIPE)

    with ended() as supervisor, pytest.raises(SourceError, match=r"without a word \(.* is empty\)"):
        lifecycle._await_ready(supervisor, state, None)

    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4096))
    with ended() as supervisor, pytest.raises(SourceError, match=r"is full \(4096 bytes left\)"):
        lifecycle._await_ready(supervisor, state, None)
