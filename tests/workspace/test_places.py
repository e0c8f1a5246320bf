"""Where state is kept, and which workspace is meant."""

from __future__ import annotations

import stat
import subprocess
import sys
from pathlib import Path

import pytest

from keelwatch.workspace import SourceError, UsageError, sandbox_dir, state_dir, worst
from keelwatch.workspace.errors import PRECEDENCE, ExitCode
from keelwatch.workspace.find import built_in, find
from keelwatch.workspace.spec_files import spec_files
from keelwatch.workspace.workspace import load_workspace


def test_the_state_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path / "deep" / "state"))

    assert stat.S_IMODE(state_dir().stat().st_mode) == 0o700


def test_a_wider_state_folder_is_tightened_unless_it_is_shared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for mode, expected in ((0o755, 0o700), (0o770, 0o700), (0o1777, 0o1777), (0o500, 0o500)):
        tmp_path.chmod(mode)
        monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
        assert stat.S_IMODE(state_dir().stat().st_mode) == expected
    tmp_path.chmod(0o700)


@pytest.mark.parametrize("name", ["../x", "a/b", "", ".", "-a", "A", "a\n", "a" * 33])
def test_a_sandbox_has_a_name_that_stays_in_its_folder(name: str) -> None:
    with pytest.raises(UsageError, match="cannot name a sandbox"):
        sandbox_dir(name)


def test_spec_files_are_what_is_called_so_and_neither_hidden_nor_behind_a_linked_folder(
    tmp_path: Path,
) -> None:
    for name in (
        "b.yaml",
        "a.yml",
        "deep/c.yaml",
        "..data/b.yaml",
        ".#b.yaml",
        "d.json",
        "folder.yaml/e.yaml",
    ):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("")
    (tmp_path / "linked").symlink_to(tmp_path / "deep")
    (tmp_path / "link.yaml").symlink_to("nowhere")

    files, problems = spec_files(tmp_path)

    found = [str(file.relative_to(tmp_path)) for file in files]
    assert found == ["a.yml", "b.yaml", "deep/c.yaml", "folder.yaml/e.yaml", "link.yaml"]
    assert problems == []
    assert spec_files(tmp_path / "missing") == ([], [])
    assert [one.found for one in spec_files(tmp_path / "a.yml")[1]] == ["a file"]


def test_a_whole_disk_named_by_mistake_is_not_searched(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        (tmp_path / str(number)).mkdir()
        (tmp_path / str(number) / "spec.yaml").write_text("")
    monkeypatch.setattr("keelwatch.workspace.spec_files.MAX_FOLDERS", 5)

    files, problems = spec_files(tmp_path)

    assert (files, [one.found for one in problems]) == ([], ["over 5 folders"])


def test_state_goes_where_the_environment_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEELWATCH_STATE", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "xdg"))
    assert state_dir() == tmp_path / "xdg" / "keelwatch"

    monkeypatch.delenv("XDG_STATE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    assert state_dir() == tmp_path / "home" / ".local" / "state" / "keelwatch"

    monkeypatch.delenv("HOME")
    monkeypatch.setattr("tempfile.gettempdir", lambda: str(tmp_path / "tmp"))
    assert state_dir().parent == tmp_path / "tmp"


def test_a_state_folder_that_cannot_be_made_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", "/proc/nowhere")

    with pytest.raises(SourceError, match="cannot use the state folder"):
        state_dir()


def test_the_nearest_workspace_upwards_is_meant(tmp_path: Path) -> None:
    (tmp_path / "keelwatch.yaml").write_text("keelwatch: 1\n")
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)

    assert find(None, deep) == tmp_path / "keelwatch.yaml"
    assert find(tmp_path, deep) == tmp_path / "keelwatch.yaml"
    with pytest.raises(UsageError, match="no workspace at"):
        find(deep, deep)


def test_without_a_workspace_the_built_in_one_is_meant() -> None:
    assert find(None, Path("/")) == built_in()
    assert load_workspace(built_in()).environment(None)[0] == "sandbox"


def test_the_door_loads_the_standard_library_alone() -> None:
    code = "import keelwatch.workspace, sys; print([m for m in ('pydantic', 'ruamel') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_the_worst_of_several_codes_wins_by_the_table() -> None:
    assert worst([]) is ExitCode.PASS
    assert worst([ExitCode.UNKNOWN, ExitCode.FAIL, ExitCode.PASS]) is ExitCode.FAIL
    assert worst([ExitCode.STOPPED, ExitCode.LEFT_BEHIND]) is ExitCode.LEFT_BEHIND
    assert set(PRECEDENCE) == set(ExitCode)
