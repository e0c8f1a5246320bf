"""`shell`: a command's exit, its last words, its end in time, and what stays of it."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from keelwatch.adapters.command import run_command
from keelwatch.adapters.shell import ShellVerb
from keelwatch.ledger import JsonObject
from keelwatch.runs.mark import marked
from keelwatch.runs.verb import Attempt
from keelwatch.workspace import Answer, Secret, SourceError, UnknownResult, UsageError
from tests.adapters.estate import Estate, written
from tests.adapters.processes import until

SHELL = ShellVerb()
RUN = "20261125-run-of-shells"
ATTEMPT = Attempt(f"{RUN}/step/ab12", 1, 1, {})


@pytest.fixture
def here(tmp_path: Path) -> Estate:
    return written(tmp_path)


def python(here: Estate, code: str, **more: object) -> JsonObject:
    return here.args(command=[sys.executable, "-S", "-c", code], **more)


def test_a_command_that_ends_well_is_done_with_its_last_lines(here: Estate) -> None:
    code = "import sys; [print(n) for n in range(99)]; print('to stderr', file=sys.stderr)"
    done = SHELL.do(python(here, code), ATTEMPT)
    assert done["exit"] == 0
    assert str(done["output"]).endswith("98 | to stderr")
    assert str(done["output"]).startswith("90 | ")


def test_no_shell_reads_the_words(here: Estate) -> None:
    done = SHELL.do(here.args(command=["echo", "$HOME", ";", "`id`", "*"]), ATTEMPT)
    assert done["output"] == "$HOME ; `id` *"


def test_it_runs_in_the_folder_of_the_workspace_where_relative_programs_are_found(
    here: Estate, tmp_path: Path
) -> None:
    script = tmp_path / "say-where"
    script.write_text("#!/bin/sh\npwd\n")
    script.chmod(0o700)
    args = here.args(command=["./say-where"])
    assert SHELL.access(args) == (f"run {tmp_path}/say-where",)
    assert SHELL.do(args, ATTEMPT)["output"] == str(tmp_path)


def test_another_exit_status_is_failure_with_what_it_said(here: Estate) -> None:
    with pytest.raises(SourceError, match=r"failed, exit status 3: no such host"):
        SHELL.do(python(here, "import sys; print('no such host'); sys.exit(3)"), ATTEMPT)
    with pytest.raises(SourceError, match="failed, ended by signal 9"):
        SHELL.do(python(here, "import os; os.kill(os.getpid(), 9)"), ATTEMPT)


def test_no_secret_and_no_control_character_gets_into_the_record(here: Estate) -> None:
    Secret("a-well-kept-secret")
    done = SHELL.do(python(here, "print('\\x1b[2Jtoken a-well-kept-secret')"), ATTEMPT)
    assert done["output"] == "[2Jtoken ***"


def test_output_without_end_is_no_burden(here: Estate) -> None:
    code = "import sys; [sys.stdout.write('x' * 65536) for _ in range(500)]; print(); print('end')"
    done = SHELL.do(python(here, code), ATTEMPT)
    assert str(done["output"]).endswith("x | end")
    assert len(str(done["output"])) < 900


FORKS = """
import os, sys, time
if os.fork() == 0:
    time.sleep(60)
print("begun", flush=True)
time.sleep(60)
"""


def test_what_does_not_end_in_time_is_killed_with_its_group_and_in_doubt(here: Estate) -> None:
    began = time.monotonic()
    with pytest.raises(UnknownResult, match=r"did not end within 0\.5 s and was killed; it said: begun"):
        SHELL.do(python(here, FORKS, within_s=0.5), ATTEMPT)
    assert time.monotonic() - began < 10
    until(lambda: not list(marked("KEELWATCH_RUN", RUN)), "the end of its children")


def test_what_it_leaves_in_the_background_holds_nobody_up(here: Estate, tmp_path: Path) -> None:
    code = "import os, sys, time\nif os.fork() == 0: time.sleep(60)\nprint('gone')"
    began = time.monotonic()
    try:
        assert SHELL.do(python(here, code), ATTEMPT)["output"] == "gone"
        assert time.monotonic() - began < 10
    finally:
        for pid in marked("KEELWATCH_RUN", RUN):
            os.kill(pid, 9)


def test_text_goes_to_its_stdin_however_long(tmp_path: Path) -> None:
    text = "hello\n" * 50_000
    done = run_command(["wc", "-l"], tmp_path, RUN, 20, text)
    assert (done.status, done.output) == (0, "50000")


def test_a_program_that_is_not_there_is_said_before_anything_is_done(here: Estate) -> None:
    args = here.args(command=["no-such-program-here"])
    for ask in (SHELL.plan, SHELL.access):
        with pytest.raises(SourceError, match="there is no program 'no-such-program-here'"):
            ask(args)


@pytest.mark.parametrize(
    "args", [{}, {"command": []}, {"command": "ls"}, {"command": ["ls", ""]}, {"command": ["ls"], "in": 1}]
)
def test_arguments_are_read_strictly(here: Estate, args: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        SHELL.plan(here.args(**args))


def test_it_says_what_would_run_and_that_nobody_can_tell_more(here: Estate) -> None:
    args = here.args(command=["echo", "two words"], within_s=600)
    predicted = SHELL.plan(args)
    assert predicted.summary.endswith("/echo 'two words', at most 600 s; nobody can predict more")
    assert SHELL.check(args).answer is Answer.UNKNOWN
    assert SHELL.undo(args, predicted.before) is None
