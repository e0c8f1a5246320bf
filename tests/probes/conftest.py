"""A shop to probe, a workspace that names it, and the command line to do so, in a state of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from keelwatch.runs.mark import kill_marked
from tests.probes.shop import Running, Shop

ROOT = Path(__file__).parents[2]
WORKSPACE = """\
keelwatch: 1
environments:
  shop:
    prometheus: {{url: "http://127.0.0.1:9"}}
    regions: [west, east]
    portal: {{url: "{url}"}}
    accounts:
      pool:
        - {{name: ada, region: west, password: "env:SHOP_PASSWORD"}}
        - {{name: bob, region: east, password: "env:SHOP_PASSWORD"}}
components:
  accounts: {{owner: team-accounts, tier: 1}}
"""
LOGIN = "  - login: {flow: json}\n"
CHANGE = """\
  - name: read
    get: /plan
    capture: {old: {json: plan}}
  - name: change
    put: /plan
    body: {plan: plus}
    undo:
      put: /plan
      body: {plan: $old}
      verify: {get: /plan, expect: {json: {plan: $old}}}
"""


@dataclass
class Bench:
    """A workspace around the shop. `probe` runs the command line as a user would."""

    shop: Shop
    folder: Path
    environment: dict[str, str]

    def journey(self, name: str, steps: str, **keys: str) -> None:
        more = "".join(f"{key}: {value}\n" for key, value in keys.items())
        head = f"journey: {name}\ntitle: A customer of the shop\ncomponent: accounts\nas: {{pool: pool}}\n"
        (self.folder / "probes").mkdir(exist_ok=True)
        (self.folder / "probes" / f"{name}.yaml").write_text(f"{head}{more}regions: [west]\nsteps:\n{steps}")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "console.main", "--workspace", str(self.folder), *arguments]
        return subprocess.Popen(
            command, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd="/"
        )

    def run(self, *arguments: str, within_s: float = 60.0) -> tuple[int, str, str]:
        process = self.start(*arguments)
        out, err = process.communicate(timeout=within_s)
        return process.returncode, out, err

    def result(self, *arguments: str) -> tuple[int, dict[str, Any]]:
        code, out, err = self.run("probe", "run", *arguments, "--json", "-")
        assert out, err
        found = json.loads(out)
        assert isinstance(found, dict)
        return code, found


def only(found: dict[str, Any]) -> dict[str, Any]:
    """The one execution of a report."""
    (execution,) = found["executions"]
    assert isinstance(execution, dict)
    return execution


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    shop, state = Shop(), tmp_path / "state"
    running = Running(shop)
    folder = tmp_path / "workspace"
    folder.mkdir()
    (folder / "keelwatch.yaml").write_text(WORKSPACE.format(url=shop.url))
    monkeypatch.setenv("KEELWATCH_STATE", str(state))
    environment = {**os.environ, "SHOP_PASSWORD": shop.password, "PYTHONPATH": str(ROOT)}
    yield Bench(shop, folder, environment)
    kill_marked("KEELWATCH_STATE", str(state))
    running.close()
