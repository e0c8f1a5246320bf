"""What an act of an experiment cannot be told to do is said with its place."""

from __future__ import annotations

from pathlib import Path

import pytest

from chaos.mending import BREAKS
from keelwatch.adapters.faults import possible
from keelwatch.workspace.workspace import Workspace
from tests.chaos.checking import acting, problems


def test_a_fault_that_a_component_does_not_have_is_told(tmp_path: Path, around: Workspace) -> None:
    (found,) = problems(tmp_path, around, acting("billing.dwn"))
    assert found.startswith("10:26: found the fault 'billing.dwn', expected one of billing.errors, ")
    assert found.endswith("did you mean 'billing.down'?")


@pytest.mark.parametrize(
    ("fault", "value", "told"),
    [
        ("portal.down", "30 percent", "portal.down with '30 percent', expected on, its only value"),
        ("portal.down", "off", "portal.down with false, expected on, its only value"),
        ("portal.down", "5", "portal.down with 5, expected on, its only value"),
        ("billing.errors", "on", "billing.errors with 'on', expected a share above 0% and at most 100%"),
        ("billing.errors", "130%", "billing.errors with '130%', expected a share above 0% and at most 100%"),
        ("cache.latency", "300", "cache.latency with 300, expected a delay as in 300ms or 1.5s, at most 10s"),
    ],
)
def test_a_value_that_a_fault_does_not_take_is_told_with_its_place(
    tmp_path: Path, around: Workspace, fault: str, value: str, told: str
) -> None:
    (found,) = problems(tmp_path, around, acting(f"{fault}, value: {value}"))
    assert found.startswith(f"10:{len(f'      arguments: {{fault: {fault}, value: ') + 1}: found {told}")


def test_a_fault_that_needs_a_value_and_has_none_is_told(tmp_path: Path, around: Workspace) -> None:
    (found,) = problems(tmp_path, around, acting("billing.errors"))
    assert found.startswith("10:18: found billing.errors with 'on', expected a share")


@pytest.mark.parametrize("value", ["on", "'on'", "true", "'${what}'"])
def test_a_switch_is_put_on_by_what_yaml_makes_of_on(tmp_path: Path, around: Workspace, value: str) -> None:
    assert problems(tmp_path, around, acting(f"portal.down, value: {value}")) == []


@pytest.mark.parametrize(("for_", "told"), [("xx", "'xx'"), ("5", "5"), ("", "nothing"), ("true", "true")])
@pytest.mark.parametrize("func", ["fault", "wait"])
def test_a_time_that_is_no_duration_is_told_with_its_place(
    tmp_path: Path, around: Workspace, func: str, for_: str, told: str
) -> None:
    text = acting("billing.down" if func == "fault" else "XX")
    text = text.replace("{fault: XX, region: west}", "{for_: TIME}").replace("west}", "west, for_: TIME}")
    text = text.replace("func: fault", f"func: {func}")
    column = text.splitlines()[9].index("TIME") + 1
    (found,) = problems(tmp_path, around, text.replace("TIME", for_))
    assert found.startswith("10:")
    assert found.endswith(f": found {told}, expected a duration like 90s, 5m or 1h30m")
    assert not for_ or found.startswith(f"10:{column}: ")


ROLLBACK = """rollbacks:
  - type: action
    name: mend
    provider:
      type: python
      module: chaos.actions
      func: FUNC
      arguments: ARGUMENTS
"""


@pytest.mark.parametrize(
    ("func", "arguments", "verb"),
    [
        ("fault", "{fault: billing.latency, value: 400ms, for_: 10m}", "fault.set"),
        ("fault", "{fault: billing.down}", "fault.set"),
        ("fault", "{fault: billing.latency, value: '${what}'}", "fault.set"),
        ("act", "{verb: process.hang, arguments: {process: billing}}", "process.hang"),
        ("act", "{verb: process.kill, arguments: {process: billing}}", "process.kill"),
    ],
)
def test_a_rollback_that_sets_a_fault_is_refused(
    tmp_path: Path, around: Workspace, func: str, arguments: str, verb: str
) -> None:
    rollback = ROLLBACK.replace("FUNC", func).replace("ARGUMENTS", arguments)
    (found,) = problems(tmp_path, around, acting() + rollback)
    assert found == f"18:18: found {verb}: a rollback mends; it sets no fault, expected an act that mends"


def test_a_rollback_that_names_a_fault_of_the_method_is_refused(tmp_path: Path, around: Workspace) -> None:
    (found,) = problems(tmp_path, around, acting() + "rollbacks:\n  - ref: break it\n")
    assert found.startswith("12:10: found fault.set: a rollback mends; it sets no fault")


def test_the_verbs_that_break_are_those_that_faults_are_set_by() -> None:
    assert {possible.SET, possible.KILL, possible.HANG} == BREAKS
