"""What CI needs: reports, exit codes, logs without a terminal, and no assumption about the machine."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from tests.probes.conftest import CHANGE, LOGIN, ROOT, Bench, only

ASK = LOGIN + "  - get: /plan\n"
BAD = LOGIN + "  - name: look\n    get: /plan\n    expect: {json: {plan: gold}}\n"


@pytest.fixture
def mixed(bench: Bench) -> Bench:
    bench.journey("ask", ASK)
    bench.journey("bad", BAD)
    return bench


def test_junit_has_a_case_per_journey_and_region(mixed: Bench, tmp_path: Path) -> None:
    file = tmp_path / "out" / "junit.xml"
    code, _, _ = mixed.run("probe", "run", "--all", "--junit", str(file))
    assert code == 1
    suite = ET.parse(file).getroot().find("testsuite")
    assert suite is not None
    assert {name: suite.get(name) for name in ("tests", "failures", "errors")} == {
        "tests": "2",
        "failures": "1",
        "errors": "0",
    }
    good, bad = suite.findall("testcase")
    assert (good.get("name"), bad.get("name")) == ("ask (west)", "bad (west)")
    failure = bad.find("failure")
    assert failure is not None
    assert failure.get("type") == "assertion"
    assert "json plan: wanted gold, got basic" in (failure.get("message") or "")
    assert "curl -sS" in (failure.text or "")


def test_json_is_one_document_and_stdout_holds_nothing_else(mixed: Bench) -> None:
    code, out, err = mixed.run("probe", "run", "--all", "--json", "-")
    found = json.loads(out)
    assert (found["schema"], found["environment"], found["exit"]) == ("keelwatch/probe-run/1", "shop", code)
    assert [one["result"] for one in found["executions"]] == ["pass", "fail"]
    assert "FAIL  bad (west)" in err


def test_a_log_gets_a_line_per_step_while_it_runs(mixed: Bench) -> None:
    _, _, err = mixed.run("probe", "run", "ask")
    assert [line.split("  ")[:3] for line in err.splitlines()] == [
        ["ask (west)", "1 log in", "ok"],
        ["ask (west)", "2 get /plan", "ok"],
    ]


def test_a_failure_prints_all_that_a_person_needs(mixed: Bench) -> None:
    _, out, _ = mixed.run("probe", "run", "bad")
    for part in (
        "expectation",
        "difference",
        "request",
        "response",
        "curl",
        "trace",
        "account",
        "- gold",
        "+ basic",
    ):
        assert part in out
    assert "Bearer '\"$SESSION_ACCESS\"'" in out
    assert "token-of" not in out


def test_github_gets_annotations_and_a_summary(mixed: Bench, tmp_path: Path) -> None:
    page = tmp_path / "summary.md"
    mixed.environment["GITHUB_STEP_SUMMARY"] = str(page)
    _, out, _ = mixed.run("probe", "run", "--all", "--github")
    assert "::error title=bad (west) FAIL::step 2 look: json plan: wanted gold, got basic" in out
    assert "| bad | west | FAIL |" in page.read_text()


def test_a_portal_that_is_down_is_a_failed_journey(bench: Bench) -> None:
    bench.journey("ask", ASK)
    file = bench.folder / "keelwatch.yaml"
    file.write_text(file.read_text().replace(bench.shop.url, "http://127.0.0.1:9"))
    code, found = bench.result("ask")
    assert code == 1
    assert only(found)["cause"] == "tcp"


def test_our_own_fault_is_never_the_portals(bench: Bench) -> None:
    bench.journey("ask", ASK)
    del bench.environment["SHOP_PASSWORD"]
    code, found = bench.result("ask")
    assert code == 4
    assert (only(found)["result"], only(found)["cause"]) == ("invalid", "ours")


def test_an_account_that_is_refused_is_told_as_such(bench: Bench) -> None:
    bench.journey("ask", ASK)
    bench.environment["SHOP_PASSWORD"] = "another password"
    code, found = bench.result("ask")
    assert code == 1
    assert only(found)["cause"] == "auth"


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("nothing-like-it",), 2, "there is no journey 'nothing-like-it'"),
        ((), 2, "run which journeys?"),
        (("ask", "--region", "east"), 2, "no journey is left to run"),
        (("ask", "--region", "west", "--region", "eastt"), 2, "there is no region 'eastt'"),
        (("ask", "--region", "west", "--region", "eastt"), 2, "did you mean 'east'?"),
        (("ask", "--env", "prod"), 2, "no environment 'prod'"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    mixed: Bench, arguments: tuple[str, ...], code: int, words: str
) -> None:
    found, _, err = mixed.run("probe", "run", *arguments)
    assert found == code
    assert words in err


def test_where_policy_wants_probes_armed_they_are_refused_without(bench: Bench) -> None:
    bench.journey("ask", ASK)
    file = bench.folder / "keelwatch.yaml"
    file.write_text(
        file.read_text().replace(
            "    accounts:\n", "    policy: {arming: {probe: required}}\n    accounts:\n", 1
        )
    )
    code, _, err = bench.run("probe", "run", "ask")
    assert (code, "--arm" in err) == (6, True)
    assert bench.run("probe", "run", "ask", "--arm")[0] == 0


def stranger() -> list[str]:
    """How to be a user of whom no password file knows: as another one where Python can be read then, else as
    ourselves under another number."""
    ways = (
        ["setpriv", "--reuid=4242", "--regid=4242", "--clear-groups"],
        ["unshare", "--user", "--map-user=4242", "--map-group=4242"],
    )
    refusals = []
    for way in ways:
        try:
            done = subprocess.run(
                [*way, sys.executable, "-c", ""], capture_output=True, text=True, check=False
            )
        except FileNotFoundError:
            refusals.append(f"no {way[0]}")
            continue
        if done.returncode == 0:
            return way
        refusals.append(f"{way[0]}: {done.stderr.strip() or done.returncode}")
    pytest.skip(
        f"nobody here can be another user, which needs root or user namespaces ({'; '.join(refusals)})"
    )


def test_it_works_without_a_home_on_a_read_only_tree_as_any_user(bench: Bench, tmp_path: Path) -> None:
    bench.journey("change", LOGIN + CHANGE)
    scratch = tmp_path / "scratch"
    scratch.mkdir(mode=0o777)
    scratch.chmod(0o777)
    for folder in (bench.folder, bench.folder / "probes"):
        folder.chmod(0o555)
    for parent in (tmp_path, *tmp_path.parents):
        if parent.stat().st_uid == os.getuid() and str(parent).startswith(str(tmp_path.parents[1])):
            parent.chmod(parent.stat().st_mode | 0o055)
    environment = {
        "PATH": os.environ["PATH"],
        "TMPDIR": str(scratch),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "SHOP_PASSWORD": bench.shop.password,
    }
    done = subprocess.run(
        [
            *stranger(),
            sys.executable,
            "-m",
            "console.main",
            "--workspace",
            str(bench.folder),
            "probe",
            "run",
            "change",
        ],
        env=environment,
        cwd="/",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert bench.shop.plans["ada"] == "basic"
