"""Every command of docs/ci.md works: taken from the page, and run as its CI system would run them."""

from __future__ import annotations

import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from ruamel.yaml import YAML

from keelwatch.workspace.workspace import load_workspace
from tests.probes.conftest import CHANGE, LOGIN, ROOT, Bench

PAGE = ROOT / "docs" / "ci.md"
ASK = LOGIN + "  - get: /plan\n"
BAD = LOGIN + "  - name: look\n    get: /plan\n    expect: {json: {plan: gold}}\n"
STUCK = LOGIN + CHANGE + "  - name: wait\n    get: /slow\n"
BASH = ("bash", "--noprofile", "--norc", "-eo", "pipefail")  # what GitHub makes of `shell: bash`
BLOCKS = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)


def read_yaml(text: str) -> dict[str, Any]:
    found: dict[str, Any] = YAML(typ="safe", pure=True).load(text)
    return found


DOCUMENTS = [read_yaml(text) for kind, text in BLOCKS if kind == "yaml"]


def the_document(key: str) -> dict[str, Any]:
    """The one YAML block with `key` at its top, or in what its top holds."""
    (found,) = [
        one for one in DOCUMENTS if key in one or any(isinstance(v, dict) and key in v for v in one.values())
    ]
    return found


@dataclass
class Job:
    """A runner's machine: a checkout with `monitoring`, and Python, but no Keelwatch yet."""

    folder: Path
    environment: dict[str, str]

    def shell(self, script: str, *shell: str) -> subprocess.CompletedProcess[str]:
        file = self.folder / "script.sh"
        file.write_text(script)
        return subprocess.run(
            [*shell, str(file)],
            env=self.environment,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )


@pytest.fixture
def job(bench: Bench, tmp_path: Path) -> Job:
    bench.journey("ask", ASK)
    bench.journey("change", LOGIN + CHANGE)
    folder, programs = tmp_path / "checkout", tmp_path / "programs"
    folder.mkdir()
    programs.mkdir()
    file = bench.folder / "keelwatch.yaml"
    file.write_text(file.read_text().replace("  shop:\n", "  staging:\n"))
    shutil.copytree(bench.folder, folder / "monitoring")
    for name in ("python", "python3"):
        (programs / name).symlink_to(Path(sys.executable).resolve())
    packages = next(path for path in sys.path if path.endswith("site-packages"))
    environment = {
        "PATH": f"{programs}:/usr/bin:/bin",
        "SHOP_PASSWORD": bench.shop.password,
        "KEELWATCH": str(ROOT),
        "KEELWATCH_STATE": str(tmp_path / "state"),
        "PYTHONPATH": packages,  # what pip would fetch: nothing is fetched in a test
        "PIP_NO_INDEX": "1",
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "false",  # pip reads it the other way round: no isolation
    }
    return Job(folder, environment)


def test_every_block_of_the_page_is_of_a_kind_that_is_tried_here() -> None:
    assert {kind for kind, _ in BLOCKS} == {"sh", "yaml"}
    tops = {frozenset(one) & {"runs", "jobs", "journeys", "environments"} for one in DOCUMENTS}
    assert tops == {frozenset({one}) for one in ("runs", "jobs", "journeys", "environments")}
    (job,) = the_document("jobs")["jobs"].values()
    assert not [step for step in job["steps"] if "run" in step]


def test_the_workspace_of_the_page_is_right(tmp_path: Path) -> None:
    (text,) = [text for kind, text in BLOCKS if kind == "yaml" and "environments:" in text]
    file = tmp_path / "keelwatch.yaml"
    file.write_text(text)
    assert list(load_workspace(file).environments) == ["staging"]


@pytest.mark.deep
def test_the_commands_for_any_system_work(job: Job) -> None:
    (script,) = [text for kind, text in BLOCKS if kind == "sh"]
    done = job.shell(script, "sh", "-e")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "pass  change (west)" in done.stdout
    assert ET.parse(job.folder / "journeys.xml").getroot().find("testsuite") is not None
    assert (job.folder / "journeys.json").exists()


@pytest.mark.deep
def test_the_gitlab_job_works(job: Job) -> None:
    found = the_document("script")["journeys"]
    assert set(found["variables"]) == {"KEELWATCH_STATE"}
    done = job.shell("\n".join(found["script"]), "sh", "-e")
    assert done.returncode == 0, done.stdout + done.stderr
    after = job.shell("\n".join(found["after_script"]), "sh", "-e")
    assert after.returncode == 0, after.stdout + after.stderr
    assert (job.folder / found["artifacts"]["reports"]["junit"]).exists()


class Runner:
    """As GitHub's: each step a shell of its own, which talks to the next by files."""

    def __init__(self, job: Job, inputs: dict[str, str]) -> None:
        self._job, self._inputs = job, inputs
        self._files = {
            name: job.folder / name for name in ("GITHUB_PATH", "GITHUB_ENV", "GITHUB_STEP_SUMMARY")
        }
        self._temp = job.folder / "temp"
        self._temp.mkdir()
        for file in self._files.values():
            file.touch()
        job.environment |= {name: str(file) for name, file in self._files.items()}
        job.environment["RUNNER_TEMP"] = str(self._temp)
        del job.environment["KEELWATCH"], job.environment["KEELWATCH_STATE"]

    def run(self) -> tuple[dict[str, int], str]:
        """Exit code by step, as far as they ran, and the whole log."""
        codes: dict[str, int] = {}
        log = ""
        for step in the_document("runs")["runs"]["steps"]:
            if "run" not in step or (any(codes.values()) and step.get("if") != "always()"):
                continue
            assert step["shell"] == "bash"
            assert "${{" not in step["run"]
            environment = self._environment(step.get("env", {}))
            done = Job(self._job.folder, environment).shell(step["run"], *BASH)
            codes[step["name"]] = done.returncode
            log += done.stdout + done.stderr
        return codes, log

    def _environment(self, given: dict[str, str]) -> dict[str, str]:
        added = [line.partition("=") for line in self._files["GITHUB_ENV"].read_text().splitlines()]
        folders = self._files["GITHUB_PATH"].read_text().splitlines()
        base = self._job.environment
        path = ":".join([*reversed(folders), base["PATH"]])
        chosen = {
            name: re.sub(r"\$\{\{ inputs\.(\w+) \}\}", lambda found: self._inputs[found[1]], text)
            for name, text in given.items()
        }
        return {**base, **{name: value for name, _, value in added}, **chosen, "PATH": path}

    @property
    def summary(self) -> str:
        return self._files["GITHUB_STEP_SUMMARY"].read_text()

    @property
    def reports(self) -> list[str]:
        return sorted(path.name for path in (self._temp / "journeys").iterdir())


@pytest.mark.deep
def test_the_action_reports_a_failure_and_leaves_nothing_behind(job: Job, bench: Bench) -> None:
    action = the_document("runs")
    defaults = {name: given.get("default", "") for name, given in action["inputs"].items()}
    runner = Runner(job, {**defaults, "keelwatch": str(ROOT), "environment": "staging"})
    codes, log = runner.run()
    assert codes == {"Install": 0, "Lint": 0, "Run": 0, "Leave nothing behind": 0}, log
    assert "| change | west | pass |" in runner.summary
    assert runner.reports == ["journeys.json", "junit.xml"]

    bench.journey("bad", BAD)
    shutil.copy(bench.folder / "probes" / "bad.yaml", job.folder / "monitoring" / "probes")
    again = [step for step in action["runs"]["steps"] if step.get("name") != "Install"]
    action["runs"]["steps"][:] = again
    codes, log = runner.run()
    assert codes == {"Lint": 0, "Run": 1, "Leave nothing behind": 0}, log
    assert "::error title=bad (west) FAIL::step 2 look: json plan: wanted gold, got basic" in log
    assert "| bad | west | FAIL |" in runner.summary
    assert bench.shop.plans["ada"] == "basic"


def test_a_cancelled_step_takes_back_what_it_did(job: Job, bench: Bench) -> None:
    """GitHub signals the step's shell, and ends what is left of the job's processes soon after."""
    bench.journey("stuck", STUCK)
    shutil.copy(bench.folder / "probes" / "stuck.yaml", job.folder / "monitoring" / "probes")
    (step,) = [step for step in the_document("runs")["runs"]["steps"] if step.get("name") == "Run"]
    script = job.folder / "script.sh"
    script.write_text(step["run"])
    environment = {
        **job.environment,
        "PATH": f"{Path(sys.executable).parent}:{job.environment['PATH']}",
        "WORKSPACE": "monitoring",
        "ENVIRONMENT": "staging",
        "JOURNEYS": "stuck",
        "RUNNER_TEMP": str(job.folder),
    }
    with subprocess.Popen(
        [*BASH, str(script)],
        env=environment,
        cwd=job.folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        deadline = time.monotonic() + 30
        while not bench.shop.asked("GET", "/slow"):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        assert process.wait(30) == 7
    assert bench.shop.plans["ada"] == "basic"
