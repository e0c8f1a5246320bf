"""`keelwatch probe run`, whole: command line, run, worker, guardian, ledger, on a portal in a thread."""

from __future__ import annotations

from tests.probes.conftest import CHANGE, LOGIN, Bench


def test_a_journey_passes_and_leaves_the_world_as_it_was(bench: Bench) -> None:
    bench.journey("change", LOGIN + CHANGE)
    code, out, err = bench.run("probe", "run", "change")
    assert code == 0, out + err
    assert "pass  change (west)" in out
    assert bench.shop.plans["ada"] == "basic"
    assert len(bench.shop.asked("PUT", "/plan")) == 2
