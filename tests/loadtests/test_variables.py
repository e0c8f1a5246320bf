"""A generator gets of our environment what it was promised, and nothing else."""

from __future__ import annotations

from pathlib import Path

from keelwatch.runs import TOOL_VARIABLES
from keelwatch.workspace.model import EnvironmentSpec
from loadtests.variables import kept
from probes.load import load_folder

ACCOUNT = {"name": "ada", "password": "env:ADA", "totp": "env:ADA_TOTP"}
OTHER = {"name": "bob", "password": "file:bob"}
JOURNEY = """\
journey: one
title: One
component: portal
secrets: {key: "env:KEY", other: "command:pass show it"}
steps: [{name: ask, get: /}]
"""


def test_only_what_secrets_are_in_and_what_is_listed_is_handed_on(tmp_path: Path) -> None:
    environment = EnvironmentSpec.model_validate(
        {
            "prometheus": {"url": "http://prometheus.test", "bearer": "env:PROMETHEUS"},
            "regions": ["west"],
            "accounts": {"load": [ACCOUNT, OTHER]},
        }
    )
    (tmp_path / "one.yaml").write_text(JOURNEY)
    found = kept(environment, load_folder(tmp_path), ["TENANT"])
    assert found == TOOL_VARIABLES | {"ADA", "ADA_TOTP", "KEY", "TENANT"}
