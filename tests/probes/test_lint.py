"""What a journey should not do: every rule, where it strikes and where it keeps quiet."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from keelwatch.workspace.find import built_in
from keelwatch.workspace.spec_files import spec_files
from keelwatch.workspace.workspace import Workspace, load_workspace
from probes.lint import RULES, lint
from probes.load import examine
from probes.secrets_by_value import is_secret_key
from tests.probes.made import HEAD, written

AS = "as: {pool: synthetic}\nschedule: {every: 5m}\n"
WORKSPACE = """\
keelwatch: 1
environments:
  prod:
    prometheus: {url: "https://prometheus.example"}
    regions: [west, east]
    accounts: {synthetic: [{name: ada, password: "env:X", totp: "env:Y"}]}
  staging:
    prometheus: {url: "https://prometheus.example"}
    regions: [west]
    accounts: {plain: [{name: ada, password: "env:X"}]}
components:
  accounts: {owner: team-accounts, tier: 1}
"""
LOGIN = "  - {login: {flow: oidc}, expect: {status: 200}}\n"


def workspace(folder: Path, text: str = WORKSPACE) -> Workspace:
    file = folder / "keelwatch.yaml"
    file.write_text(text)
    return load_workspace(file)


def found(folder: Path, steps: str, head: str = HEAD + AS, around: Workspace | None = None) -> list[str]:
    """`line:column: severity: rule` of each finding; the first step stands in line 7."""
    findings = lint([written(folder, f"{head}steps:\n{steps}")], around)
    return [
        f"{one.problem.line}:{one.problem.column}: {one.severity}: {one.rule}"
        for one in findings
        if one.rule != "nothing-expected"
    ]


def test_the_catalogue_of_the_sandbox_has_nothing_to_find() -> None:
    around = load_workspace(built_in())
    journeys, problems = examine(spec_files(around.folders["probes"])[0])

    assert len(journeys) == 10
    assert [str(one) for one in [*problems, *lint(journeys, around)]] == []


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete"])
def test_a_change_without_undo_is_an_error(tmp_path: Path, method: str) -> None:
    assert found(tmp_path, f"  - {{{method}: /x}}\n") == ["7:6: error: no-undo"]
    assert found(tmp_path, f"  - {{{method}: /x, undo: {{none: it is meant}}}}\n") == []


def test_reading_logging_in_and_mail_need_no_undo(tmp_path: Path) -> None:
    assert found(tmp_path, LOGIN + "  - {get: /x}\n  - mail: {}\n  - login: {flow: logout}\n") == []


@pytest.mark.parametrize(
    ("step", "place"),
    [
        ("{get: /x, headers: {Authorization: Bearer abc}}", "7:40"),
        ("{get: /x, headers: {Authorization: Bearer abc-$run.id}}", "7:40"),
        ("{get: /x, headers: {Authorization: Basic dTphYmM=}}", "7:40"),
        ("{get: /x, query: {password: bearer}}", "7:33"),
        ("{get: /x, query: {api_key: abc}}", "7:32"),
        ("{get: '/x?a=1&token=abc'}", "7:11"),
        ("{get: 'https://u:pw@shop.example/x'}", "7:11"),
        ("{poll: '/x?password=abc', until: {}, within: 1s}", "7:12"),
        ("{put: /x, undo: {none: x}, body: {a: [{newPassword: 12345}]}}", "7:57"),
        ("{put: /x, undo: {none: x}, form: {client_secret: abc}}", "7:54"),
        ("{login: {flow: json, password: abc}}", "7:36"),
        ("{put: /x, undo: {put: /x, headers: {Cookie: sid=1}, verify: {get: /x}}}", "7:49"),
        ("{put: /x, undo: {put: /x, verify: {get: /x, query: {token: abc}}}}", "7:64"),
    ],
)
def test_a_secret_by_value_is_an_error_and_not_repeated(tmp_path: Path, step: str, place: str) -> None:
    head = HEAD + AS
    (finding,) = [
        one
        for one in lint([written(tmp_path, f"{head}steps:\n  - {step}\n")], None)
        if one.rule != "nothing-expected"
    ]

    assert str(finding).startswith(f"{tmp_path}/one.yaml:{place}: error: found a ")
    assert finding.rule == "secret-by-value"
    assert "abc" not in str(finding)
    assert "12345" not in str(finding)


@pytest.mark.parametrize(
    "step",
    [
        "{get: /x, headers: {Authorization: Bearer $secret.api}}",
        "{get: /x, headers: {Authorization: Bearer prefix-$secret.api}}",
        "{get: /x, headers: {Authorization: Bearer $run.id, Cookie: 'run=$run.id'}}",
        "{get: /x, query: {token_type: bearer, password: '', grant_type: refresh_token}}",
        "{put: /x, undo: {none: x}, body: {password: not-$random.word, token: null, secret: true}}",
        "{get: '/x?token=$secret.api'}",
    ],
)
def test_a_secret_by_name_is_none(tmp_path: Path, step: str) -> None:
    head = HEAD + AS + "secrets: {api: 'env:API'}\n"

    assert [one for one in found(tmp_path, f"  - {step}\n", head) if "secret-by-value" in one] == []


@pytest.mark.parametrize(
    ("key", "secret"),
    [
        ("Authorization", True),
        ("X-Api-Key", True),
        ("apiKey", True),
        ("refresh_token", True),
        ("Set-Cookie", True),
        ("userPassword", True),
        ("token_type", False),
        ("Idempotency-Key", False),
        ("passwordHint", False),
        ("key", False),
    ],
)
def test_a_secret_is_told_by_the_last_word_of_its_key(key: str, *, secret: bool) -> None:
    assert is_secret_key(key) is secret


def test_a_capture_that_nobody_reads_is_a_warning(tmp_path: Path) -> None:
    read = "  - {get: /x, capture: {a: {json: a}}}\n"

    assert found(tmp_path, read) == ["7:25: warning: unused-capture"]
    assert found(tmp_path, read + "  - {get: /x/$a}\n") == []
    assert found(tmp_path, read + "  - {get: '/x/${a}b'}\n") == []
    assert found(tmp_path, read + read + "  - {get: /x/$a}\n") == ["7:25: warning: unused-capture"]
    (tmp_path / "h.py").write_text("def f(context): ...\n")
    assert found(tmp_path, read + "  - hook: {uses: 'h.py:f'}\n") == []


def test_a_secret_that_nobody_reads_is_a_warning(tmp_path: Path) -> None:
    head = HEAD + AS + "secrets: {api: 'env:API'}\n"

    assert found(tmp_path, "  - {get: /x}\n", head) == ["6:11: warning: unused-secret"]
    assert found(tmp_path, "  - {get: /x, headers: {A: $secret.api}}\n", head) == []


def test_a_name_that_only_a_hook_may_give_should_be_declared(tmp_path: Path) -> None:
    (tmp_path / "h.py").write_text("def f(context): ...\n")
    hook = "  - hook: {uses: 'h.py:f'}\n"

    assert found(tmp_path, hook + "  - {get: /x/$a}\n") == ["8:11: warning: unchecked-name"]
    assert found(tmp_path, hook.replace("f'}", "f', gives: [a]}") + "  - {get: /x/$a}\n") == []


def test_a_poll_should_say_how_long_its_effect_may_take(tmp_path: Path) -> None:
    assert found(tmp_path, "  - {poll: /x, until: {}}\n") == ["7:6: warning: unbounded-poll"]
    assert found(tmp_path, "  - {poll: /x, until: {}, within: 3s}\n") == []


def test_a_change_that_is_sent_again_should_be_keyed(tmp_path: Path) -> None:
    step = "  - {post: /x, retries: 2, undo: {none: x}}\n"

    assert found(tmp_path, step) == ["7:25: warning: repeated-change"]
    assert found(tmp_path, step.replace("retries", "headers: {idempotency-key: $run.id}, retries")) == []
    assert found(tmp_path, step.replace("post", "put")) == []


def test_what_the_workspace_does_not_know_is_an_error(tmp_path: Path) -> None:
    around = workspace(tmp_path)
    head = HEAD.replace("accounts", "acounts") + "as: {pool: synthetik}\nregions: [west, nord]\n"
    findings = lint(
        [written(tmp_path, f"{head}schedule: {{every: 5m}}\nsteps:\n  - {{get: /x, expect: {{}}}}\n")], around
    )

    assert [
        (one.rule, one.problem.line, one.problem.column, one.problem.did_you_mean) for one in findings
    ] == [
        ("unknown-component", 3, 12, "accounts"),
        ("unknown-pool", 4, 12, "synthetic"),
        ("unknown-region", 5, 17, ""),
    ]


def test_what_only_some_environments_have_is_a_note(tmp_path: Path) -> None:
    head = HEAD + AS + "regions: [east]\n"

    assert found(tmp_path, "  - {get: /x}\n", head, workspace(tmp_path)) == [
        "4:12: note: not-everywhere",
        "6:11: note: not-everywhere",
    ]


def test_the_pools_of_a_sandbox_are_known_only_when_it_runs(tmp_path: Path) -> None:
    around = load_workspace(built_in())

    assert found(tmp_path, "  - {get: /x}\n", HEAD + AS.replace("synthetic", "anything"), around) == []


@pytest.mark.parametrize(
    ("login", "rule"),
    [
        ("{flow: json, totp: true}", "error: shared-code"),
        ("{flow: oidc}", "warning: maybe-shared-code"),
        ("{flow: oidc, account: $random.mailbox}", ""),
        ("{flow: json}", ""),
    ],
)
def test_a_one_time_code_wants_an_exclusive_lease(tmp_path: Path, login: str, rule: str) -> None:
    head = HEAD + AS.replace("synthetic", "synthetic, lease: shared")

    assert found(tmp_path, f"  - login: {login}\n", head) == ([f"4:30: {rule}"] if rule else [])
    assert found(tmp_path, f"  - login: {login}\n") == []


def test_an_account_with_a_totp_secret_surely_needs_an_exclusive_lease(tmp_path: Path) -> None:
    head = HEAD + AS.replace("synthetic", "synthetic, lease: shared")

    assert "4:30: error: shared-code" in found(tmp_path, LOGIN, head, workspace(tmp_path))


def test_a_journey_without_schedule_or_with_too_little_time_is_a_note(tmp_path: Path) -> None:
    assert found(tmp_path, "  - {get: /x}\n", HEAD) == ["1:1: note: no-schedule"]
    slow = "  - {get: /x, within: 20s}\n"
    assert found(tmp_path, slow + slow, HEAD + AS + "deadline: 30s\n") == ["6:11: note: hurried"]
    assert found(tmp_path, slow, HEAD + "schedule: {every: 10s}\n") == ["4:19: note: overlapping"]


def test_a_journey_that_expects_nothing_is_a_warning(tmp_path: Path) -> None:
    around = lint([written(tmp_path, f"{HEAD}{AS}steps:\n  - {{get: /x}}\n")], None)

    assert [(str(one.severity), one.rule) for one in around] == [("warning", "nothing-expected")]


def run(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "console.main", "probe", "lint", *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, cwd=cwd)


def document(*words: str | Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(run(*words, "--json").stdout)
    return found


def test_errors_end_in_3_and_warnings_only_when_strict(tmp_path: Path) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(f"{HEAD}{AS}steps:\n  - {{get: /x}}\n")
    warned = run(file)
    assert (warned.returncode, warned.stderr) == (0, "1 journey, 1 warning\n")
    assert warned.stdout.endswith("[nothing-expected]\n")
    assert run(file, "--strict").returncode == 3

    file.write_text(f"{HEAD}{AS}steps:\n  - {{put: /x, expect: {{status: 200}}}}\n")
    assert run(file).returncode == 3
    assert document(file)["findings"] == [
        {
            "severity": "error",
            "rule": "no-undo",
            "file": str(file),
            "line": 7,
            "column": 6,
            "found": "a put without undo",
            "expected": "`undo` with `verify`, or `undo: {none: why it needs none}`",
            "did_you_mean": None,
        }
    ]
    file.write_text("journey: [\n")
    assert (run(file).returncode, document(file)["journeys"]) == (3, 0)


def test_without_a_path_the_journeys_of_the_workspace_are_meant(tmp_path: Path) -> None:
    (tmp_path / "probes").mkdir()
    workspace(tmp_path)
    (tmp_path / "probes" / "one.yaml").write_text(
        HEAD.replace("accounts", "acounts") + "steps:\n  - {get: /x}\n"
    )

    for done in (
        run("--workspace", tmp_path),
        run(tmp_path),
        run(tmp_path / "probes"),
        run(tmp_path / "probes/one.yaml"),
    ):
        assert (done.returncode, "'acounts'" in done.stdout) == (3, True), done.stderr


def test_nothing_to_lint_is_not_all_well(tmp_path: Path) -> None:
    assert run(tmp_path).returncode == 3
    assert run(tmp_path / "gone").returncode == 2


def test_every_rule_is_in_the_manual() -> None:
    told = (Path(__file__).parents[2] / "docs" / "journeys.md").read_text()

    for severity, rule, _ in RULES:
        assert f"| {severity} | `{rule}` |" in told, rule


def test_a_reserve_within_which_a_late_request_may_land_is_warned_of(tmp_path: Path) -> None:
    undo = "  - {put: /x, undo: {put: /x, verify: {get: /x}}}\n"
    for reserve, findings in (("5s", ["2:18: warning: short-reserve"]), ("6s", [])):
        head = HEAD.replace("\n", f"\ncleanup_reserve: {reserve}\n", 1)
        assert [one for one in found(tmp_path, undo, head) if "reserve" in one] == findings


def test_what_one_key_demands_of_another_silences_no_rule(tmp_path: Path) -> None:
    """Its keys and types are right, so all there is can be told at once."""
    file = tmp_path / "one.yaml"
    file.write_text(f"{HEAD}{AS}steps:\n  - {{put: /x}}\n  - {{get: /y, until: {{status: 200}}}}\n")

    done = run(file)

    assert done.returncode == 3
    assert [line.rpartition(" ")[2] for line in done.stdout.splitlines()] == [
        "[no-undo]",
        "[format]",
    ]
    assert "more may be found" not in done.stderr


@pytest.mark.parametrize(
    "steps",
    ["  - {put: /x, retries: many}\n  - {put: /y}\n", "  - {put: /x}\n  - {name: nothing at all}\n"],
    ids=["a type", "no action"],
)
def test_where_rules_must_wait_for_the_format_it_says_so(tmp_path: Path, steps: str) -> None:
    file, good = tmp_path / "one.yaml", tmp_path / "two.yaml"
    file.write_text(f"{HEAD}{AS}steps:\n{steps}")
    good.write_text(f"{HEAD.replace('journey: one', 'journey: two')}{AS}steps:\n  - {{put: /x}}\n")

    done = run(tmp_path)

    assert done.returncode == 3
    assert f"more may be found once these are mended: {file}\n" in done.stderr
    assert document(tmp_path)["not_all_told"] == [str(file)]
