"""The ten journeys of the catalogue, in both regions of the running sandbox."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.adapters import sandbox as control
from tests.probes.reference import JOURNEYS, probe, workspace_of
from tests.sampled import sampled
from tests.sandbox.running import RunningSandbox

pytestmark = pytest.mark.sandbox


@pytest.fixture
def workspace(sandbox: RunningSandbox, tmp_path: Path) -> Path:
    return workspace_of(sandbox.name, tmp_path)


def why(told: object) -> str:
    return "\n".join(f"{where}: {one['reason']}" for where, one in told.executions.items() if one["reason"])  # type: ignore[attr-defined]


def test_every_journey_passes_in_each_region_and_takes_back_what_it_did(workspace: Path) -> None:
    told = probe(workspace, "--all")
    assert told.results() == {(name, region): "pass" for name in JOURNEYS for region in ("west", "east")}, (
        why(told)
    )
    assert told.code == 0
    undos = [undo for one in told.executions.values() for undo in one["undos"]]
    assert len(undos) >= 6
    assert all(undo["done"] for undo in undos)


def test_lag_between_regions_and_of_audit_and_mail_is_recorded(workspace: Path) -> None:
    told = probe(workspace, "change-plan", "recover-password", "--region", "west")
    lags = {
        step["lag"]["name"]: (step["lag"]["lower_s"], step["lag"]["upper_s"])
        for one in told.executions.values()
        for step in one["steps"]
        if step["lag"]
    }
    assert set(lags) == {"read-your-write", "audit-lag", "mail-lag"}
    assert all(0 <= lower < upper < 10 for lower, upper in lags.values())


def test_a_fault_in_one_region_fails_the_journey_there_and_nowhere_else(
    workspace: Path, sandbox: RunningSandbox
) -> None:
    control.set_fault("billing.errors", "100%", region="west", name=sandbox.name)
    told = probe(workspace, "view-invoices", "log-in")
    assert told.code == 1
    assert told.results() == {
        ("view-invoices", "west"): "fail",
        ("view-invoices", "east"): "pass",
        ("log-in", "west"): "pass",
        ("log-in", "east"): "pass",
    }
    failed = told.executions["view-invoices", "west"]
    assert (failed["cause"], failed["reason"]) == ("http", "status: wanted 200, got 503")


def test_every_hop_of_a_login_is_timed_for_itself(workspace: Path) -> None:
    told = probe(workspace, "log-in", "--region", "east")
    hops = told.executions["log-in", "east"]["steps"][0]["hops"]
    paths = [hop["url"].partition("://")[2].partition("/")[2].partition("?")[0] for hop in hops]
    assert paths == [
        ".well-known/openid-configuration",
        "oauth/authorize",
        "login",
        "login",
        "login/totp",
        "login/totp",
        "oauth/token",
        "oauth/jwks",
    ]
    assert hops[0]["tls"].startswith("TLSv1")
    assert not hops[0]["reused"]
    assert all(hop["reused"] for hop in hops[1:])


@pytest.mark.parametrize(
    ("defect", "journey", "words"),
    sampled(
        [
            ("identity.enumeration", "recovery-enumeration", "of known and unknown"),
            ("billing.double-effect", "idempotency-replay", ""),
            ("identity.no-revocation", "session-lifecycle", "status: wanted 401, got 200"),
            ("accounts.audit-missing", "change-plan", "length(entries): wanted 1, got 0"),
        ],
        2,
    ),
)
def test_each_defect_is_caught_by_its_journey(
    workspace: Path, sandbox: RunningSandbox, defect: str, journey: str, words: str
) -> None:
    """That each is quiet without its defect, the first test of this file shows."""
    control.set_fault(defect, "on", name=sandbox.name)
    told = probe(workspace, journey)
    assert told.code == 1, why(told)
    assert set(told.results().values()) == {"fail"}
    for one in told.executions.values():
        assert one["cause"] in {"assertion", "http"}
        assert words in one["reason"]
    control.clear_faults(name=sandbox.name)
    assert probe(workspace, journey).code == 0
