"""Every line of the doctor that is not well says how to mend it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from console.main import keelwatch
from keelwatch.ledger import open_ledger
from keelwatch.workspace import ledger_path

WORKSPACE = """\
keelwatch: 1
environments:
  prod:
    prometheus: {{url: "http://127.0.0.1:9", bearer: "{secret}"}}
    regions: [west]
"""


def doctor(folder: Path) -> tuple[int, dict[str, dict[str, str]]]:
    done = CliRunner().invoke(keelwatch, ["doctor", "--json", "--workspace", str(folder)])
    document = json.loads(done.stdout)
    assert document["environment"] == "prod"
    return done.exit_code, {one["subject"]: one for one in document["findings"]}


@pytest.mark.parametrize("secret", ["command:true", "env:NOT_SET_ANYWHERE", "file:/nope"])
def test_each_trouble_has_its_remedy(tmp_path: Path, secret: str) -> None:
    (tmp_path / "slo").mkdir()
    (tmp_path / "slo" / "bad.yaml").write_text("apiVersion: openslo/v1\nkind: SLO\n")
    (tmp_path / "keelwatch.yaml").write_text(WORKSPACE.format(secret=secret))

    code, found = doctor(tmp_path)

    assert code == 3
    assert {found["objectives"]["state"], found["prometheus"]["state"]} == {"bad"}
    assert all(one["remedy"] for one in found.values() if one["state"] != "ok"), found


def test_a_ledger_that_is_no_ledger_has_its_remedy(tmp_path: Path) -> None:
    (tmp_path / "keelwatch.yaml").write_text(WORKSPACE.format(secret="env:HOME"))
    open_ledger().close()
    ledger_path().write_bytes(b"no ledger at all" * 512)

    _, found = doctor(tmp_path)

    assert found["ledger"]["state"] == "bad"
    assert found["ledger"]["remedy"]
