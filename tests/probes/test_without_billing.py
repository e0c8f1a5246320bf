"""Billing is down: which journeys its loss costs a customer, and which it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.adapters import sandbox as control
from tests.probes.reference import probe, workspace_of
from tests.sandbox.running import RunningSandbox

pytestmark = pytest.mark.sandbox


def test_without_billing_only_the_journey_to_invoices_fails(sandbox: RunningSandbox, tmp_path: Path) -> None:
    control.set_fault("billing.down", "on", for_s=120, name=sandbox.name)
    told = probe(
        workspace_of(sandbox.name, tmp_path),
        *("log-in", "look-up-account", "change-plan", "view-invoices", "--region", "west"),
    )
    assert told.results() == {
        ("log-in", "west"): "pass",
        ("look-up-account", "west"): "pass",
        ("change-plan", "west"): "pass",
        ("view-invoices", "west"): "fail",
    }
    assert told.code == 1
