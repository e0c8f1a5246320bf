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
from tests.probes.shop import Reply

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


PWNED = '"\x1b[2J\x1b]0;pwned\x07\u202e\n::error::taken over\n  ::add-mask::x\n##[error]old"'


def say_it(bench: Bench) -> None:
    """The shop answers with what acts on terminals and runners, as a page and as a value."""
    bench.journey("bad", LOGIN + "  - name: look\n    get: /page\n    expect: {regex: gold}\n")
    bench.journey("value", LOGIN + "  - name: look\n    get: /value\n    expect: {json: {plan: gold}}\n")
    said: dict[str, Reply] = {
        "/page": (200, PWNED),
        "/value": (200, {"plan": "old\n::warning::from a value\n##[error]and the older form"}),
    }
    bench.shop.before = lambda asked: said.get(asked.path)


def test_what_a_server_says_does_not_act_on_the_terminal(bench: Bench) -> None:
    say_it(bench)

    code, out, err = bench.run("probe", "run", "--all")
    _, shown, _ = bench.run("probe", "show", "bad")

    assert code == 1
    for text in (out, shown):
        assert "\\x1b[2J\\x1b]0;pwned\\x07\\u202e" in text
    assert not {"\x1b", "\x07", "\u202e"} & set(out + err + shown)


def acting_lines(*streams: str) -> list[str]:
    """The lines that a runner would take for commands."""
    lines = [line for stream in streams for line in stream.splitlines()]
    return [line for line in lines if line.lstrip().startswith("::") or "##[" in line]


@pytest.mark.parametrize("document", [(), ("--junit", "-"), ("--json", "-")], ids=["log", "junit", "json"])
def test_a_server_gives_a_runner_no_commands(bench: Bench, document: tuple[str, ...]) -> None:
    say_it(bench)

    code, out, err = bench.run("probe", "run", "--all", "--github", *document)

    assert code == 1
    assert "taken over" in out + err
    commands = acting_lines(out, err)
    assert [line.partition("::")[2].partition(" (")[0] for line in commands] == [
        "error title=bad",
        "error title=value",
    ], commands


def test_documents_for_a_runner_say_what_they_say_without_one(bench: Bench) -> None:
    from xml.etree import ElementTree as ET

    say_it(bench)

    found = json.loads(bench.run("probe", "run", "--all", "--github", "--json", "-")[1])
    suite = ET.fromstring(bench.run("probe", "run", "--all", "--github", "--junit", "-")[1])

    assert "##[error]old" in json.dumps(found)
    told = "".join(suite.itertext())
    assert "##[error]old" in told
    assert "::add-mask::x" in told
