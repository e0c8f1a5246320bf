"""`check` passes nothing that another command refuses."""

from __future__ import annotations

import json
import os
import pty
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from keelwatch.workspace.document import FLOW_STYLE, load_all
from tests.console.checking import PYTHON, keelwatch, problems, written
from tests.sampled import sampled

SLI = (
    "apiVersion: openslo/v1\nkind: SLI\nmetadata: {name: shared}\n"
    "spec: {ratioMetric: {counter: true, bad: {metricSource: {spec: {query: a_total}}},"
    " total: {metricSource: {spec: {query: b_total}}}}}\n"
)
SLO = (
    "apiVersion: openslo/v1\nkind: SLO\nmetadata: {name: shares}\nspec:\n  service: identity\n"
    "  indicatorRef: shared\n  timeWindow: [{duration: 30d}]\n  objectives: [{target: 0.99}]\n"
)


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return written(tmp_path / "mine")


def test_a_fresh_workspace_is_all_well_and_counts_its_documents(workspace: Path) -> None:
    done = keelwatch("check", workspace)

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "4 documents, all well\n"
    assert keelwatch("check", workspace / "keelwatch.yaml").stderr == "1 document, all well\n"


def test_one_problem_is_not_problems(workspace: Path) -> None:
    (workspace / "slo" / "latency.yaml").unlink()
    (workspace / "probes" / "open-login.yaml").unlink()
    (workspace / "slo" / "availability.yaml").write_text("# to be written\n")

    assert keelwatch("check", workspace).stderr == "1 document, 1 problem\n"


def test_a_link_that_leads_nowhere_stops_check_and_status_alike(workspace: Path) -> None:
    for name in ("dangling.yaml", "dangling.yml"):
        (workspace / "slo" / name).symlink_to("nowhere")
        (found,) = problems("check", workspace)

        assert found == f"{name}:1:1: no readable file (No such file or directory)"
        assert keelwatch("status", "--workspace", workspace).returncode == 3
        (workspace / "slo" / name).unlink()


def test_an_indicator_in_a_folder_that_status_does_not_read_is_not_well(workspace: Path) -> None:
    (workspace / "probes" / "sli.yaml").write_text(SLI)
    (workspace / "slo" / "slo.yaml").write_text(SLO)

    assert problems("check", workspace) == ["slo.yaml:6:17: the indicator 'shared'"]
    assert problems("check", workspace / "slo" / "slo.yaml") == ["slo.yaml:6:17: the indicator 'shared'"]
    assert keelwatch("status", "--workspace", workspace).returncode == 3


def test_a_lone_objective_finds_its_indicator_in_another_file_of_its_workspace(workspace: Path) -> None:
    (workspace / "slo" / "login").mkdir()
    (workspace / "slo" / "sli.yaml").write_text(SLI)
    for place in ("slo/slo.yaml", "slo/login/slo.yaml", "draft.yaml"):
        (workspace / place).write_text(SLO)

        assert keelwatch("check", workspace / place).stderr == "1 document, all well\n"
        assert keelwatch("check", place, cwd=workspace).stderr == "1 document, all well\n"
        (workspace / place).unlink()


def test_a_lone_objective_without_a_workspace_looks_in_its_own_folder_and_not_below(tmp_path: Path) -> None:
    (tmp_path / "below").mkdir()
    (tmp_path / "slo.yaml").write_text(SLO)
    (tmp_path / "below" / "sli.yaml").write_text(SLI)
    assert problems("check", tmp_path / "slo.yaml") == ["slo.yaml:6:17: the indicator 'shared'"]

    (tmp_path / "sli.yml").write_text(SLI)
    os.mkfifo(tmp_path / "pipe.yaml")
    assert problems("check", tmp_path / "slo.yaml") == []
    assert keelwatch("check", "slo.yaml", cwd=tmp_path).returncode == 0


def test_check_of_one_file_says_its_own_problems_and_not_those_beside_it(workspace: Path) -> None:
    (workspace / "slo" / "sli.yaml").write_text(SLI + "---\n" + SLI.replace("shared", "other"))
    (workspace / "slo" / "broken.yaml").write_text("apiVersion: [\n")
    (workspace / "slo" / "slo.yaml").write_text(SLO.replace("0.99", "2"))
    assert problems("check", workspace / "slo" / "slo.yaml") == ["slo.yaml:8:25: 2"]

    (workspace / "slo" / "slo.yaml").write_text(SLO.replace("Ref: shared", "Ref: shard"))
    (found,) = json.loads(keelwatch("check", workspace / "slo" / "slo.yaml", "--json").stdout)["problems"]
    assert (found["found"], found["did_you_mean"]) == ("the indicator 'shard'", "shared")


@pytest.mark.parametrize("flaw", ["bad: {metricSource: {spec: {query: 'a_total{'}}}", "bda: {}"])
def test_an_indicator_with_a_problem_is_named_once_and_at_its_own_place(workspace: Path, flaw: str) -> None:
    broken = SLI.replace("bad: {metricSource: {spec: {query: a_total}}}", flaw)
    (workspace / "slo" / "sli.yaml").write_text(broken)
    (workspace / "slo" / "slo.yaml").write_text(SLO)

    assert {one.split(":")[0] for one in problems("check", workspace)} == {"sli.yaml"}
    assert problems("check", workspace / "slo" / "slo.yaml") == []


@pytest.mark.parametrize(
    ("text", "found"),
    sampled(
        [
            ("# a comment\n", "1:1: an empty file"),
            ("", "1:1: an empty file"),
            ("null\n", "1:1: an empty document"),
            ("---\n", "1:1: an empty document"),
        ],
        2,
    ),
)
def test_a_file_with_nothing_in_it_is_an_error_anywhere(workspace: Path, text: str, found: str) -> None:
    (workspace / "slo" / "empty.yaml").write_text(text)
    (workspace / "probes" / "empty.yml").write_text(text)
    assert problems("check", workspace) == [f"empty.yml:{found}", f"empty.yaml:{found}"]
    assert keelwatch("check", workspace / "slo" / "empty.yaml").returncode == 3

    (workspace / "keelwatch.yaml").write_text(text)
    assert f"keelwatch.yaml:{found}" in problems("check", workspace)


def test_a_spec_folder_that_is_named_must_be_there(workspace: Path) -> None:
    file = workspace / "keelwatch.yaml"
    file.write_text(file.read_text() + "specs: {slo: slos}\n")
    (found,) = problems("check", workspace)
    assert found.endswith(": no folder 'slos'")

    (workspace / "slos").write_text("")
    assert problems("check", workspace) == ["slos:1:1: a file"]


def test_a_default_spec_folder_may_be_missing(workspace: Path) -> None:
    for folder in ("slo", "probes"):
        shutil.rmtree(workspace / folder)

    assert problems("check", workspace) == []


def query(text: str) -> str:
    """An indicator whose total is asked with `text`."""
    return SLI.replace("query: b_total", f"query: '{text}'")


@pytest.mark.parametrize("text", ["-" * 1_000 + "a", "-" * 12_000 + "a", "(" * 50_000 + "a" + ")" * 50_000])
def test_a_query_too_deep_to_be_parsed_is_a_problem_and_not_the_end(workspace: Path, text: str) -> None:
    (workspace / "slo" / "deep.yaml").write_text(query(text))
    (found,) = problems("check", workspace)
    assert found.startswith("deep.yaml:4:121: a query of ")


@pytest.mark.parametrize(
    "text",
    sampled(['a_bucket{le="-Inf"}', "sum(rate(a[100ms]))", "a[5m]", "a @ 0", "1", "{}", "a offset 1m"], 3),
)
def test_check_passes_no_query_that_could_not_be_asked(workspace: Path, text: str) -> None:
    (workspace / "slo" / "query.yaml").write_text(query(text))
    assert len(problems("check", workspace)) == 1
    assert keelwatch("status", "--workspace", workspace).returncode == 3


def test_check_says_the_same_in_the_same_order_every_time(tmp_path: Path) -> None:
    here, told = tmp_path / "slo.yaml", set()
    here.write_text("apiVersion: openslo/v1\nkind: SLO\nspec: {}\n")
    for seed in range(4):
        done = subprocess.run(
            [*PYTHON, "check", str(here)], capture_output=True, text=True, timeout=60, check=False,
            env=os.environ | {"PYTHONHASHSEED": str(seed)},
        )  # fmt: skip
        told.add(done.stdout)
    assert len(told) == 1
    assert told.pop().count("\n") > 4


def test_broken_yaml_of_a_workspace_is_said_once(workspace: Path) -> None:
    (workspace / "keelwatch.yaml").write_text("keelwatch: 1\nenvironments: {regex: [a-z]+}\n")
    (workspace / "probes" / "key.yaml").write_text("journey: x\n? [a, b]\n: c\n")
    told = json.loads(keelwatch("check", workspace, "--json").stdout)["problems"]

    places = [(Path(one["file"]).name, one["line"], one["column"], one["found"]) for one in told]
    broken = "broken YAML while parsing a flow mapping: expected ',' or '}', but got '<scalar>'"
    assert sorted(one for one in places if one[1] == 2) == [
        ("keelwatch.yaml", 2, 28, broken),
        ("key.yaml", 2, 3, "a list or mapping as a key"),
    ]
    wanted = {Path(one["file"]).name: one["expected"] for one in told if one["line"] == 2}
    assert wanted == {"keelwatch.yaml": FLOW_STYLE, "key.yaml": "a text key"}


def test_a_workspace_stands_alone_in_its_file(tmp_path: Path) -> None:
    file = tmp_path / "keelwatch.yaml"
    file.write_text(f"{SLI}---\nkeelwatch: 2\nenvironments: {{a: {{source: sandbox, regions: [b]}}}}\n")

    assert problems("check", file) == ["keelwatch.yaml:6:1: a second document", "keelwatch.yaml:6:12: 2"]


@pytest.mark.parametrize("kind", ["SLO", "Service"])
def test_a_manifest_of_kubernetes_is_no_objective(workspace: Path, kind: str) -> None:
    (workspace / "slo" / "other.yaml").write_text(f"apiVersion: v1\nkind: {kind}\nmetadata: {{name: x}}\n")
    assert "other.yaml:1:13: 'v1'" in problems("check", workspace)


def test_the_schema_of_objectives_has_those_of_indicators(tmp_path: Path) -> None:
    schema = json.loads(keelwatch("schema", "slo").stdout)
    (tmp_path / "both.yaml").write_text(f"{SLI}---\n{SLO}")
    for document in load_all(tmp_path / "both.yaml"):
        Draft202012Validator(schema).validate(document.data)


def test_a_terminal_without_unicode_gets_escapes(tmp_path: Path) -> None:
    (tmp_path / "bad.yaml").write_text("naïveté: 1\njournee: é\napiVersion: é\n", encoding="utf-8")
    plain = os.environ | {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    plain.pop("PYTHONIOENCODING", None)
    words = [*PYTHON, "check", str(tmp_path / "bad.yaml")]
    for option, told in ([], "found '\\xe9'"), (["--json"], '"found": "\'\\u00e9\'"'):
        done = subprocess.run([*words, *option], capture_output=True, timeout=60, check=False, env=plain)
        assert (done.returncode, told in done.stdout.decode("ascii")) == (3, True), done.stderr


def test_check_says_what_is_no_file_and_does_not_wait_for_it(workspace: Path) -> None:
    os.mkfifo(workspace / "slo" / "pipe.yaml")

    assert problems("check", workspace) == ["pipe.yaml:1:1: a FIFO"]
    assert problems("check", workspace / "slo" / "pipe.yaml") == ["pipe.yaml:1:1: a FIFO"]
    assert problems("check", "/dev/null") == ["null:1:1: a device"]
    assert keelwatch("status", "--workspace", workspace).returncode == 3


def test_check_of_a_whole_disk_ends_and_is_no_fault_of_ours() -> None:
    for folder in ("/proc", "/"):
        assert keelwatch("check", folder).returncode == 3


def test_check_in_a_folder_that_is_gone_is_a_usage_error(tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    script = f'rmdir {gone} && exec "$@"'
    for words in (["check"], ["check", "."], ["--workspace", "x", "check"]):
        done = subprocess.run(
            ["sh", "-c", script, "sh", *PYTHON, *words],
            capture_output=True, text=True, timeout=60, check=False, cwd=gone,
            env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        gone.mkdir()


def test_a_path_that_cannot_be_is_a_usage_error() -> None:
    for path in ("x" * 300, "no-such-file", "/dev/null/below"):
        assert keelwatch("check", path).returncode == 2
        assert keelwatch("--workspace", path, "check").returncode == 2


def test_check_without_a_path_obeys_the_global_option(workspace: Path, tmp_path: Path) -> None:
    (workspace / "slo" / "bad.yaml").write_text("apiVersion: [\n")
    fine = tmp_path / "fine"
    keelwatch("init", fine)

    assert keelwatch("--workspace", workspace, "check", cwd=fine).returncode == 3
    assert keelwatch("check", cwd=fine).returncode == 0
    assert keelwatch("--workspace", workspace, "check", fine).returncode == 0
    assert keelwatch("--workspace", "mine", "check", cwd=tmp_path).returncode == 3


def test_a_sandbox_name_with_path_parts_is_a_usage_error() -> None:
    for words in (["status"], ["up"], ["down"], ["fault", "list"]):
        done = keelwatch("sandbox", *words, "--name", "../x")
        assert (done.returncode, "cannot name a sandbox" in done.stderr) == (2, True)


@pytest.mark.parametrize("port", sampled(["70000", "-5", "80", "65336"], 4))
def test_a_base_port_out_of_range_is_a_usage_error(port: str) -> None:
    assert keelwatch("sandbox", "up", "--name", "never", "--base-port", port).returncode == 2


def test_of_very_many_problems_twenty_are_printed_and_the_rest_counted(workspace: Path) -> None:
    bomb = workspace / "slo" / "bomb.yaml"
    bomb.write_text("apiVersion: &a openslo/v1\n" + "".join(f"k{number}: *a\n" for number in range(100)))

    done = keelwatch("check", bomb)
    document = json.loads(keelwatch("check", bomb, "--json").stdout)

    lines = done.stdout.splitlines()
    assert len(lines) == 21
    assert lines[-1] == f"and {len(document['problems']) - 20} more"
    assert len(document["problems"]) >= 100
    assert done.returncode == 3


def test_a_merge_key_that_hides_the_kind_is_named(workspace: Path) -> None:
    file = workspace / "slo" / "merged.yaml"
    file.write_text("<<: {apiVersion: openslo/v1}\n")

    assert problems("check", file) == ["merged.yaml:1:5: a merge key"]


def test_a_console_that_cannot_be_drawn_on_stderr_says_so_first(workspace: Path, tmp_path: Path) -> None:
    ours, theirs = pty.openpty()
    with (tmp_path / "log").open("w") as log:
        done = subprocess.Popen(
            [sys.executable, "-m", "console.main", "--workspace", str(workspace)],
            stdin=theirs,
            stdout=theirs,
            stderr=log,
            env={**os.environ, "TERM": "xterm"},
        )
        os.close(theirs)
        with os.fdopen(ours, "rb") as terminal:
            first = terminal.readline().decode()
            with suppress(OSError):  # a terminal whose other side is closed
                while terminal.read(1024):
                    pass
        done.wait(30)

    assert "stderr, which is no terminal: this is keelwatch status" in first
