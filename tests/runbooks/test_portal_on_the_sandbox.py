"""A runbook that locks an intruder out of the sandbox's portal, by the commands an operator types."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from keelwatch.adapters import sandbox as control
from keelwatch.workspace.find import built_in
from tests.sandbox.running import RunningSandbox
from tests.sandbox.signing_in import letters
from tests.sandbox.waiting import until

ROOT = Path(__file__).parents[2]
KEELWATCH = str(Path(sys.executable).with_name("keelwatch"))
RUNBOOK = """\
runbook: lock-out
title: Somebody is in the account of a customer
owner: team-identity
inputs: {account: {type: text, default: c09941}}
lock: identity
ready:
  - access: all-steps
steps:
  - id: nobody-new
    flag.set: {flag: self-registration, to: false}
    undo: previous
    within: 10s
  - id: out
    sessions.revoke: {accounts: [$account]}
    undo: none
    within: 30s
  - id: new-password
    http.call: {url: /v2/recovery, region: east, body: {account: $account}, status: [202]}
    undo: none
    within: 30s
  - id: look
    shell: {command: [grep, -q, lock-out, runbooks/lock-out.yaml]}
    undo: none
    within: 30s
  - id: tell
    notify: {text: '$account is out', command: [tee, told]}
    within: 30s
"""


@pytest.fixture
def workspace(sandbox: RunningSandbox, tmp_path: Path) -> Path:
    """The built-in one, bound to the session's sandbox, with a runbook of its own."""
    text = built_in().read_text().replace("sandbox: main", f"sandbox: {sandbox.name}")
    text = text.replace("../../runbooks/library", "runbooks").replace("../../", f"{ROOT}/")
    (tmp_path / "runbooks").mkdir()
    (tmp_path / "keelwatch.yaml").write_text(text)
    (tmp_path / "runbooks" / "lock-out.yaml").write_text(RUNBOOK)
    return tmp_path


def keelwatch(workspace: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [KEELWATCH, "--workspace", str(workspace), "runbook", *words, "--env", "sandbox"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_an_intruder_is_locked_out_and_everybody_told(sandbox: RunningSandbox, workspace: Path) -> None:
    account = "c09941"
    before = len(letters(sandbox, f"{account}@customers.invalid"))
    with sandbox.customer(account, "west-edge") as intruder, sandbox.customer("c09942") as other:
        planned = json.loads(keelwatch(workspace, "plan", "lock-out", "--json").stdout)
        effects = {one["step"]: " ".join(one["effects"]) for one in planned["steps"]}
        assert "west: on -> off, east: on -> off" in effects["nobody-new"]
        assert "west knows 1 tokens" in effects["out"]
        assert "/v2/recovery with 21 bytes of JSON" in effects["new-password"]
        assert "grep -q lock-out" in effects["look"]
        assert intruder.get("/v2/session").status_code == 200

        done = keelwatch(workspace, "run", "lock-out", "--arm")

        assert done.returncode == 0, done.stdout + done.stderr
        assert intruder.get("/v2/session").status_code == 401
        assert other.get("/v2/session").status_code == 200
    until(lambda: len(letters(sandbox, f"{account}@customers.invalid")) == before + 1)
    assert (workspace / "told").read_text() == f"{account} is out"
    assert control.status(sandbox.name).flags["self-registration"] == {"west": False, "east": False}
