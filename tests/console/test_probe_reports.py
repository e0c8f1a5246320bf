"""Reports of `probe run` where something is in their way, and its bar on a real terminal."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.test_left_behind import refuse_undo
from tests.probes.conftest import CHANGE, LOGIN, Bench, bench  # noqa: F401 - `bench` is a fixture

BAD = LOGIN + "  - name: look\n    get: /plan\n    expect: {json: {plan: gold}}\n"


def test_a_report_that_cannot_be_written_hides_no_eight_and_no_other_report(
    bench: Bench,
    tmp_path: Path,
) -> None:
    bench.journey("change", LOGIN + CHANGE, cleanup_reserve="6s")
    bench.shop.before = refuse_undo
    junit = tmp_path / "junit.xml"

    code, _, err = bench.run("probe", "run", "change", "--json", "/proc/nope/out.json", "--junit", str(junit))

    assert code == 8
    assert "cannot write /proc/nope/out.json" in err
    assert junit.read_text().startswith("<?xml")


def test_a_report_that_cannot_be_written_is_a_five(bench: Bench) -> None:
    bench.journey("ask", LOGIN + "  - get: /plan\n")
    assert bench.run("probe", "run", "ask", "--junit", "/proc/nope/j.xml")[0] == 5


def test_annotations_leave_stdout_to_the_document(bench: Bench) -> None:
    bench.journey("bad", BAD)

    code, out, err = bench.run("probe", "run", "bad", "--json", "-", "--github")

    assert json.loads(out)["exit"] == code == 1
    assert "\n::error title=bad (west) FAIL::" in f"\n{err}"


def test_two_documents_do_not_share_stdout(bench: Bench) -> None:
    bench.journey("bad", BAD)
    code, out, err = bench.run("probe", "run", "bad", "--json", "-", "--junit", "-")
    assert (code, out) == (2, "")
    assert "stdout takes one document" in err


def test_reports_are_utf_8_whatever_the_locale(bench: Bench, tmp_path: Path) -> None:
    bench.journey("bad", BAD.replace("gold", "größer"))
    bench.environment |= {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    junit, document = tmp_path / "j.xml", tmp_path / "j.json"

    code, _, err = bench.run("probe", "run", "bad", "--junit", str(junit), "--json", str(document))

    assert code == 1, err
    assert "größer" in junit.read_text(encoding="utf-8")
    found = json.loads(document.read_text(encoding="utf-8"))
    assert "größer" in found["executions"][0]["reason"]


@pytest.mark.parametrize("count", [3])
def test_a_terminal_gets_a_bar_and_no_line_per_step(bench: Bench, count: int) -> None:
    for number in range(count):
        bench.journey(f"ask-{number}", LOGIN + "  - name: look\n    get: /plan\n")
    ours, theirs = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "console.main",
        "--workspace",
        str(bench.folder),
        "probe",
        "run",
        "--all",
    ]
    with os.fdopen(ours, "rb", buffering=0) as screen:
        process = subprocess.Popen(
            command, env=bench.environment, stdout=subprocess.DEVNULL, stderr=theirs, cwd="/"
        )
        os.close(theirs)
        shown = b""
        try:
            while piece := screen.read(4096):
                shown += piece
        except OSError:  # the last writer has left
            pass
    assert process.wait(30) == 0
    text = shown.decode()
    assert re.search(rf"\r\[#*\.*\] \d/{count}  ", text), text
    assert "look" not in text
