"""Each experiment of the catalogue, on the real sandbox: it finds what its file expects."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from click.testing import CliRunner
from ruamel.yaml import YAML

from console.main import keelwatch
from keelwatch.adapters import sandbox as control
from keelwatch.workspace.errors import ExitCode
from keelwatch.workspace.find import built_in
from tests.conftest import NAME
from tests.sandbox.running import RunningSandbox

IN_ORDER = (
    "replica-lag",
    "worker-crash-loop",
    "identity-slow",
    "billing-down",
    "region-partition",
    "cache-lost",
)
"""Those that cost customers most come last: what they burn keeps others from beginning."""
UNDER_LOAD = {"cache-lost": ("--under-load", "portal-baseline")}
CALM_WITHIN_S = 600.0
AGAIN_S = 10.0
TOO_EARLY = ("baseline-not-met", "the load did not come up")
CODES = {"pass": ExitCode.PASS, "fail": ExitCode.FAIL}


@pytest.fixture
def around(sandbox: RunningSandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The built-in workspace, bound to the session's sandbox."""
    workspace = YAML(typ="safe").load(built_in().read_text())
    workspace["environments"]["sandbox"]["sandbox"] = NAME
    for kind, folder in workspace["specs"].items():
        workspace["specs"][kind] = str((built_in().parent / folder).resolve())
    file = tmp_path / "keelwatch.yaml"
    file.write_text(json.dumps(workspace))
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    return file


ROOT = built_in().parents[2]
EXPERIMENTS = sorted((ROOT / "chaos" / "experiments").glob("*.yaml"))


def test_no_experiment_of_the_catalogue_is_left_out() -> None:
    assert [file.stem for file in EXPERIMENTS] == sorted(IN_ORDER)


def test_what_each_expects_is_kept_as_a_finding() -> None:
    expected = {file.stem: _extension(file)["expect"] for file in EXPERIMENTS}
    rows = re.findall(r"^\| `(.+?)` \| \**(\w+)", (ROOT / "docs" / "findings.md").read_text(), re.MULTILINE)
    assert dict(rows) == expected


def _extension(file: Path) -> dict[str, str]:
    (found,) = YAML(typ="safe").load(file.read_text())["extensions"]
    assert isinstance(found, dict)
    return found


@pytest.mark.deep
@pytest.mark.parametrize("name", IN_ORDER)
def test_it_finds_what_it_expects_and_leaves_nothing_behind(around: Path, name: str) -> None:
    told = run_once_calm(around, name)
    assert told["expect"] in CODES, told
    assert told["verdict"] == told["expect"], told["reason"]
    assert told["exit"] == CODES[str(told["expect"])], told["reason"]
    assert control.faults(NAME) == ()


def run_once_calm(around: Path, name: str) -> dict[str, object]:
    """What earlier tests burned refuses it, stops the load beside it, or is in its baseline still, until that
    is over."""
    deadline = time.monotonic() + CALM_WITHIN_S
    while True:
        words = ["--workspace", str(around), "chaos", "run", name, *UNDER_LOAD.get(name, ())]
        done = CliRunner().invoke(keelwatch, [*words, "--env", "sandbox", "--arm", "--json"])
        told: dict[str, object] = json.loads(done.stdout)
        is_early = told["exit"] == ExitCode.REFUSED or str(told["reason"]).startswith(TOO_EARLY)
        if not is_early or time.monotonic() > deadline:
            return told
        time.sleep(AGAIN_S)  # between two tries, within the deadline
