"""What an experiment asks to configure itself is bounded like the rest of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.lint import check
from keelwatch.workspace.errors import ExitCode
from keelwatch.workspace.find import built_in
from keelwatch.workspace.workspace import load_workspace
from tests.chaos.conftest import Activity, Lab

FOREIGN: Activity = {
    "type": "probe",
    "name": "ask elsewhere",
    "provider": {"type": "http", "url": "http://192.0.2.1/reboot"},
}
TEXT = """title: it breaks
description: on purpose
configuration:
  early:
    type: probe
    name: early
    provider: PROVIDER
method: []
"""


def test_another_host_lets_nothing_begin(lab: Lab) -> None:
    experiment = lab.experiment([lab.set("billing", "down")], [lab.is_("cache", "up")])
    verdict = lab.run({**experiment, "configuration": {"early": FOREIGN}})
    assert verdict.exit_code is ExitCode.REFUSED
    assert verdict.reason.startswith("out-of-bounds: ask elsewhere: http://192.0.2.1/reboot")
    assert lab.effects == []


def test_nothing_is_broken_by_a_probe_of_the_configuration(lab: Lab) -> None:
    early = {**lab.set("billing", "down"), "type": "probe"}
    experiment = lab.experiment([lab.set("cache", "down")], [lab.is_("cache", "up")])
    verdict = lab.run({**experiment, "configuration": {"early": early}})
    assert verdict.exit_code is ExitCode.REFUSED
    assert verdict.reason == "out-of-bounds: toy.set: acts belong to the method"
    assert lab.effects == []


def test_nothing_is_broken_by_a_probe_of_the_hypothesis(lab: Lab) -> None:
    early = {**lab.set("billing", "down"), "type": "probe", "tolerance": True}
    verdict = lab.run(lab.experiment([lab.set("cache", "down")], [early]))
    assert verdict.reason == "out-of-bounds: toy.set: acts belong to the method"
    assert lab.effects == []


def test_what_a_probe_of_the_configuration_finds_is_filled_in(lab: Lab) -> None:
    early = lab.call("beside", "read", "early", {"path": str(lab.world / "billing")}, "probe")
    arguments = {"path": str(lab.world / "told"), "text": "${early}"}
    method = [lab.call("beside", "write", "tell", arguments)]
    verdict = lab.run({**lab.experiment(method, [lab.is_("cache", "up")]), "configuration": {"early": early}})
    assert verdict.reason.startswith("reach-unproven")
    assert lab.value("told") == "up"


def test_a_dry_run_looks_at_it_too(lab: Lab) -> None:
    early = {**lab.set("billing", "down"), "type": "probe"}
    plan = lab.plan({**lab.experiment([lab.set("cache", "down")]), "configuration": {"early": early}})
    assert [(one.part, one.trouble) for one in plan] == [
        ("configuration", "toy.set: acts belong to the method"),
        ("method", ""),
    ]


@pytest.mark.parametrize(
    ("provider", "told"),
    [
        ("{type: http, url: 'http://192.0.2.1/x'}", "7:33: found 192.0.2.1:80, a host of no environment"),
        (
            "{type: python, module: chaos.actions, func: fault, arguments: {fault: billing.down}}",
            "7:59: found fault.set: acts belong to the method, expected a probe, which asks only",
        ),
        (
            "{type: python, module: chaos.probes, func: promql, arguments: {query: 'sum(up'}}",
            "broken PromQL",
        ),
    ],
)
def test_a_check_looks_at_it_too(tmp_path: Path, provider: str, told: str) -> None:
    file = tmp_path / "one.yaml"
    file.write_text(TEXT.replace("PROVIDER", provider))
    (found,) = check([file], load_workspace(built_in()))
    assert told in str(found)
