"""The reference catalogue on the session's sandbox, through the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelwatch.workspace.find import built_in

ROOT = Path(__file__).parents[2]
JOURNEYS = (
    "change-plan",
    "idempotency-replay",
    "log-in",
    "look-up-account",
    "recover-password",
    "recovery-enumeration",
    "register-and-close",
    "session-lifecycle",
    "v1-client",
    "view-invoices",
)


def workspace_of(sandbox: str, folder: Path) -> Path:
    """The built-in workspace, for another sandbox."""
    text = built_in().read_text().replace("sandbox: main", f"sandbox: {sandbox}").replace("../..", str(ROOT))
    file = folder / "keelwatch.yaml"
    file.write_text(text)
    return file


@dataclass(frozen=True)
class Told:
    """What `probe run --json -` ended with."""

    code: int
    executions: Mapping[tuple[str, str], Mapping[str, Any]]

    def results(self) -> dict[tuple[str, str], str]:
        return {where: one["result"] for where, one in self.executions.items()}


def probe(workspace: Path, *arguments: str) -> Told:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "console.main",
            "--workspace",
            str(workspace),
            "probe",
            "run",
            *arguments,
            "--json",
            "-",
        ],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        cwd="/",
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.stdout, done.stderr
    found = json.loads(done.stdout)["executions"]
    return Told(done.returncode, {(one["journey"], one["region"]): one for one in found})
