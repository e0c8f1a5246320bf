"""`keelwatch runbook`: what a person at the terminal gets, and with which exit code."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.runbooks.made import HEAD

PYTHON = [sys.executable, "-m", "console.main"]
WORKSPACE = """\
keelwatch: 1
environments:
  shop:
    prometheus: {url: 'http://prometheus.example'}
    regions: [west, east]
    edge: {socket: admin.sock, backend: portal, servers: {west: [w1], east: [e1]}}
    cache: {regions: {west: {host: a.example, port: 2}, east: {host: b.example, port: 2}}}
    portal: {url: 'https://shop.example'}
"""
STEPS = "steps:\n  - {id: a, redis.promote: {region: $to}, within: 5s, undo: previous}\n"


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path / "state"))


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    folder = tmp_path / "mine"
    (folder / "runbooks").mkdir(parents=True)
    (folder / "keelwatch.yaml").write_text(WORKSPACE)
    (folder / "runbooks" / "one.yaml").write_text(HEAD + STEPS)
    return folder


def keelwatch(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*PYTHON, *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )


def test_the_library_is_listed_with_the_step_of_no_return() -> None:
    told = json.loads(keelwatch("runbook", "list", "--env", "sandbox", "--json").stdout)
    assert told["schema"] == "keelwatch/runbook-list/1"
    rows = {one["name"]: one["no_return_from"] for one in told["runbooks"]}
    assert rows["failover-region"] == "promote-database"
    assert rows["data-exposure-first-hour"] is None
    lines = keelwatch("runbook", "list").stdout.splitlines()
    titles = ["RUNBOOK", "STEPS", "NO", "RETURN", "FROM", "RTO", "REHEARSED", "OWNER", "TITLE"]
    assert lines[0].split() == titles
    assert len(lines) == 1 + len(rows)


def test_warnings_are_no_failure_unless_asked_to_be(workspace: Path) -> None:
    done = keelwatch("runbook", "lint", "--workspace", workspace)
    assert (done.returncode, done.stderr) == (0, "1 runbook, 4 warnings\n")
    said = "one.yaml:1:10: warning: found no `done_when`, expected what must hold in the end [no-done-when]"
    assert said in done.stdout
    assert keelwatch("runbook", "lint", workspace / "runbooks", "--strict").returncode == 3


def test_an_error_of_the_format_is_one_of_lint_and_of_check(workspace: Path) -> None:
    file = workspace / "runbooks" / "one.yaml"
    file.write_text((HEAD + STEPS).replace("region: $to", "region: wset"))
    told = json.loads(keelwatch("runbook", "lint", file, "--json").stdout)
    (error,) = [one for one in told["findings"] if one["severity"] == "error"]
    place = (error["rule"], error["line"], error["column"], error["did_you_mean"])
    assert place == ("unknown-region", 7, 37, "west")
    done = keelwatch("check", workspace)
    assert done.returncode == 3
    assert f"{file}:7:37: found the region 'wset', expected a region of some environment" in done.stdout

    file.write_text((HEAD + STEPS).replace("$to", "$too"))
    for words in (("runbook", "lint", file), ("check", workspace)):
        done = keelwatch(*words)
        assert done.returncode == 3
        assert "7:37: " in done.stdout
        assert "the unknown input $too" in done.stdout


def test_a_folder_without_runbooks_is_not_all_well(tmp_path: Path) -> None:
    done = keelwatch("runbook", "lint", tmp_path)
    assert done.returncode == 3
    assert "found no runbook" in done.stdout


def test_paper_has_the_hosts_of_the_environment(workspace: Path) -> None:
    words = ("--from", "west", "--to", "east", "--input", "word=now", "--workspace", workspace)
    done = keelwatch("runbook", "render", "one", "--paper", *words)
    assert done.returncode == 0
    assert "$ redis-cli -h b.example -p 2 --askpass REPLICAOF NO ONE" in done.stdout
    assert "COULD NOT BE RESOLVED" not in done.stdout


def test_paper_has_the_hosts_of_a_running_sandbox(tmp_path: Path) -> None:
    folder = tmp_path / "state" / "sandbox" / "main"
    folder.mkdir(parents=True, mode=0o700)
    ports = {"west": {"host": "127.0.0.1", "port": 17031}, "east": {"host": "127.0.0.1", "port": 17032}}
    estate = {
        "edge": {"socket": "/run/e.sock", "backend": "portal", "servers": {"west": ["w"], "east": ["e"]}},
        "database": {"user": "postgres", "password": "never-shown", "name": "portal", "regions": ports},
        "cache": {"password": "never-shown", "regions": ports},
    }
    (folder / "estate.json").write_text(json.dumps(estate))
    (folder / "endpoints.json").write_text(json.dumps({"estate_file": str(folder / "estate.json")}))
    done = keelwatch("runbook", "render", "failover-region", "--paper", "--from", "east", "--to", "west")
    assert "$ psql -h 127.0.0.1 -p 17032 -U postgres -d portal -c 'ALTER SYSTEM SET" in done.stdout
    assert "COULD NOT BE RESOLVED" not in done.stdout
    assert "never-shown" not in done.stdout + done.stderr


def test_paper_is_printed_also_while_the_sandbox_is_down() -> None:
    done = keelwatch("runbook", "render", "failover-region", "--paper", "--from", "east", "--to", "west")
    assert done.returncode == 0
    assert "the sandbox main is not running (try: keelwatch sandbox up)" in " ".join(done.stdout.split())
    assert "DATABASE-OF-EAST" in done.stdout


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("two",), "there is no runbook 'two'"),
        (("one", "--from", "eastt"), "try: did you mean 'east'?"),
        (("one", "--input", "worm=1"), "try: did you mean 'word'?"),
        (("one", "--input", "word"), "--input 'word' is no NAME=VALUE"),
        (("one", "--env", "shpo"), "no environment 'shpo'"),
    ],
)
def test_what_cannot_be_meant_is_a_usage_error(workspace: Path, words: tuple[str, ...], said: str) -> None:
    done = keelwatch("runbook", "render", *words, "--workspace", workspace)
    assert done.returncode == 2
    assert said in done.stderr


def test_the_schema_of_a_runbook_is_one_that_takes_the_library() -> None:
    from jsonschema import Draft202012Validator

    from keelwatch.workspace.document import load
    from tests.runbooks.made import LIBRARY

    schema = json.loads(keelwatch("schema", "runbook").stdout)
    Draft202012Validator.check_schema(schema)
    for file in LIBRARY.glob("*.yaml"):
        Draft202012Validator(schema).validate(load(file).data)


def test_loading_the_room_loads_no_parser_and_no_model() -> None:
    rooms = "runbooks, runbooks.load, runbooks.inputs, runbooks.stages, runbooks.words, runbooks.by_hand"
    code = f"import sys, {rooms}; print([m for m in ('pydantic', 'ruamel') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
