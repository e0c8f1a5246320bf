"""`init` writes nothing that `check` refuses, and overwrites nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.workspace.workspace import load_workspace
from tests.console.checking import keelwatch, problems, written
from tests.sampled import sampled


def test_the_hint_of_init_leads_to_the_workspace_it_wrote(tmp_path: Path) -> None:
    folder = tmp_path / "with blank"
    done = keelwatch("init", folder)

    assert f"keelwatch doctor --workspace '{folder}'" in done.stderr
    assert f"keelwatch check '{folder}'" in done.stderr
    assert problems("check", folder) == []


@pytest.mark.parametrize(
    "url",
    ["https://", "https://h #x", "https://h: y", "htps://h", "https://u:hunter2@h", "https://h/?key=hunter2",
     "https://h#hunter2", "https://h:hunter2", "https://h:99999", "https://[::1", "https://h\n"],
)  # fmt: skip
def test_init_refuses_a_url_that_check_would_refuse_and_does_not_repeat_it(tmp_path: Path, url: str) -> None:
    done = keelwatch("init", tmp_path / "new", "--prometheus", url)

    assert done.returncode == 2
    assert not (tmp_path / "new").exists()
    assert "hunter2" not in done.stdout + done.stderr


@pytest.mark.parametrize(
    "url",
    sampled(
        [
            "https://h/pro'me\"theus",
            "http://[::1]:9090",
            "https://h/a:",
            "https://h/a:b/c,d&e",
            "https://h/@x/${y}",
        ],
        4,
    ),
)
def test_init_quotes_the_url_it_writes(tmp_path: Path, url: str) -> None:
    assert keelwatch("init", tmp_path / "new", "--prometheus", url).returncode == 0
    assert problems("check", tmp_path / "new") == []

    prometheus = load_workspace(tmp_path / "new" / "keelwatch.yaml").environment(None)[1].prometheus
    assert prometheus is not None
    assert prometheus.url == url


def test_init_never_overwrites_not_even_a_link_that_leads_nowhere(tmp_path: Path) -> None:
    workspace = written(tmp_path / "mine")
    before = (workspace / "keelwatch.yaml").read_text()
    assert keelwatch("init", workspace).returncode == 2
    assert (workspace / "keelwatch.yaml").read_text() == before

    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "keelwatch.yaml").symlink_to(tmp_path / "target")
    assert keelwatch("init", tmp_path / "other").returncode == 2
    assert not (tmp_path / "target").exists()


def test_init_into_what_cannot_be_a_folder_is_a_usage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")

    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300), Path("/proc/new")):
        assert keelwatch("init", folder).returncode == 2
