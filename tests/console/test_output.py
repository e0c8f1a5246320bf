"""What a command says may not arrive: the disk is full, or the reader left. The exit code then tells."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from console.catalogue import GROUPS
from keelwatch.ledger import FactKind, open_ledger
from keelwatch.workspace import state_dir
from tests.docs.test_docs import leaves
from tests.sampled import sampled

FULL = Path("/dev/full")
NOT_HERE = {
    ("demo",): "starts a sandbox",
    ("sandbox", "up"): "starts a sandbox",
    ("init",): "has a test of its own below, for it writes a folder",
}
SPEAKING = [
    ("--help",), ("--version",), ("schema", "workspace"), ("schema", "slo"), ("check", "--json"),
    ("doctor",), ("doctor", "--json"), ("status",), ("status", "--json"),
    ("slo", "list"), ("slo", "list", "--json"), ("probe", "list"), ("probe", "list", "--json"),
    ("probe", "show", "log-in"), ("probe", "show", "log-in", "--json"), ("runs",), ("runs", "--json"),
    ("audit", "verify"), ("audit", "verify", "--json"), ("audit", "anchor"), ("audit", "anchor", "--json"),
    ("audit", "redact", "1", "--reason", "x"), ("heal",), ("heal", "--json"), ("heal", "--list"),
    ("stop", "--all"), ("stop", "--all", "--json"), ("sandbox", "down", "--json"),
    ("runbook", "list"), ("runbook", "list", "--json"), ("runbook", "lint", "--json"),
    ("runbook", "render", "failover-region", "--markdown"),
    ("load", "list"), ("load", "list", "--json"), ("chaos", "list"), ("chaos", "list", "--json"),
    ("chaos", "check", "--json"),
]  # fmt: skip


def keelwatch(*words: str, stdout: Path | int, stderr: Path | int = subprocess.PIPE) -> tuple[int, str]:
    """Exit code and what was narrated."""
    with ExitStack() as files:
        out, err = (
            files.enter_context(one.open("wb")) if isinstance(one, Path) else one for one in (stdout, stderr)
        )
        done = subprocess.run(
            [sys.executable, "-m", "console.main", *words],
            stdout=out, stderr=err, text=True, timeout=60, check=False,
        )  # fmt: skip
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize("words", sampled([(one,) for one in SPEAKING], 4), ids=" ".join)
def test_output_to_a_full_device_is_told_in_a_line_and_ends_in_5(words: tuple[str, ...]) -> None:
    with closing(open_ledger()) as store:
        store.append("", FactKind.NOTE, {"event": "said"}, actor="7:ada")

    code, told = keelwatch(*words, stdout=FULL)

    assert code == 5
    assert told.splitlines()[-1] == "error: the output could not be written: No space left on device"
    assert "Traceback" not in told
    assert list(state_dir().glob("crash-*")) == []


def test_every_command_that_prints_was_tried_on_the_full_device() -> None:
    every = {words for words, _, _ in leaves()}
    tried = {words[: 2 if words[0] in GROUPS else 1] for words in SPEAKING}
    followed = {("attach",), ("slo", "show"), ("slo", "why"), ("sandbox", "status"), ("sandbox", "fault")}
    followed |= {("sandbox", "flag")}
    followed |= {("probe", "run"), ("probe", "watch"), ("probe", "lint")}
    of_runs = ("show", "run", "resume", "approve", "skip", "note", "abort", "plan", "rehearse")
    followed |= {("runbook", name) for name in of_runs}
    followed |= {("load", "run"), ("load", "show"), ("load", "capacity")}
    followed |= {("chaos", "run"), ("chaos", "show"), ("chaos", "faults"), ("chaos", "dry-run")}

    assert every - tried - set(NOT_HERE) <= followed  # they print only with a run or a sandbox at hand


def test_every_command_has_a_json_twin_but_the_one_that_prints_json_anyway() -> None:
    without = {
        " ".join(words)
        for words, _, command in leaves()
        if not any("--json" in parameter.opts for parameter in command.params)
    }

    assert without == {"schema"}


def test_the_worse_code_wins_over_lost_output(tmp_path: Path) -> None:
    (tmp_path / "keelwatch.yaml").write_text("environments: [\n")

    assert keelwatch("check", str(tmp_path), stdout=FULL)[0] == 3


def test_what_was_asked_for_is_done_though_its_words_are_lost(tmp_path: Path) -> None:
    code, _ = keelwatch("init", str(tmp_path / "new"), "--json", stdout=FULL)

    assert code == 5
    assert keelwatch("check", str(tmp_path / "new"), stdout=subprocess.DEVNULL)[0] == 0


def test_a_lost_narration_changes_no_exit_code(tmp_path: Path) -> None:
    assert keelwatch("runs", stdout=subprocess.DEVNULL, stderr=FULL)[0] == 0
    assert keelwatch("nonsense", stdout=subprocess.DEVNULL, stderr=FULL)[0] == 2
    assert keelwatch("check", str(tmp_path), stdout=FULL, stderr=FULL)[0] == 3
    assert keelwatch("runs", stdout=FULL, stderr=FULL)[0] == 5


@pytest.mark.parametrize("words", [("--help",), ("schema", "workspace"), ("runs", "--json")], ids=" ".join)
def test_a_reader_that_left_is_no_error_and_nothing_is_said(words: tuple[str, ...]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert keelwatch(*words, stdout=writing) == (0, "")
    finally:
        os.close(writing)


def test_a_reader_that_left_does_not_turn_a_failure_green(tmp_path: Path) -> None:
    (tmp_path / "keelwatch.yaml").write_text("environments: [\n")
    reading, writing = os.pipe()
    os.close(reading)
    try:
        assert keelwatch("check", str(tmp_path), "--json", stdout=writing)[0] == 3
    finally:
        os.close(writing)


def test_closed_descriptors_never_hand_their_numbers_to_a_file() -> None:
    program = f'exec "{sys.executable}" -m console.main runs --json >&- 2>&-'

    assert subprocess.run(["sh", "-c", program], timeout=60, check=False).returncode == 0
    with closing(open_ledger()) as store:
        assert store.head()[0] == 0


def test_init_in_json_names_what_it_wrote(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "console.main", "init", str(tmp_path / "new"), "--json"],
        capture_output=True, text=True, timeout=60, check=True,
    )  # fmt: skip
    document = json.loads(done.stdout)

    assert (document["schema"], document["environment"]) == ("keelwatch/init/1", "sandbox")
    assert all(Path(name).is_file() for name in document["files"])
    assert str(tmp_path / "new" / "keelwatch.yaml") in document["files"]
