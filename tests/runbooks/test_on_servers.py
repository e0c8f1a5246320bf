"""Runbooks by the product's own verbs and processes, on real PostgreSQL and HAProxy: what a run sees that
others have done to them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.processes import ENTRY, TABLE
from keelwatch.adapters.haproxy import WeightVerb
from keelwatch.adapters.postgres import FenceVerb
from keelwatch.runs import Outcome, Phase, Verdict
from keelwatch.workspace import ExitCode
from runbooks.stages import Mode
from tests.adapters.conftest import pair, postgres_template
from tests.adapters.estate import Estate
from tests.adapters.haproxy_server import RunningEdge, running_edge
from tests.adapters.postgres_pair import Pair
from tests.adapters.redis_pair import Caches, running_caches
from tests.runbooks.conftest import Shop
from tests.runs.conftest import until

__all__ = ["pair", "postgres_template"]

POLICY = {"roles": {"*": "operator"}}
PROMOTE = "  - {id: promote, pg.promote: {region: $to}, undo: none}\n"
PROMOTE_CACHE = "  - {id: promote, redis.promote: {region: $to}, undo: none}\n"
SHIFT = "  - {id: shift, edge.weight: {to: $to, away_from: $from}, undo: previous}\n"
WAIT = "  - {id: wait, human: Wait.}\n"
SHIFTED = {"west-1": 0, "west-2": 0, "east-1": 100, "east-2": 100}


def on(shop: Shop, estate: Estate) -> Shop:
    """A shop of the servers in `estate`."""
    parts = json.loads(estate.file.read_text())["environments"]["here"]
    text = {"keelwatch": 1, "environments": {"shop": {**parts, "policy": POLICY}}}
    (shop.folder / "keelwatch.yaml").write_text(json.dumps(text))
    if (estate.file.parent / "secret").exists():
        shutil.copy(estate.file.parent / "secret", shop.folder)
    return Shop(shop.folder, shop.ledger, TABLE, ENTRY)


def verdict_of(shop: Shop, run: str) -> Verdict:
    found = shop.end(run).state.verdict
    assert found is not None
    return found


# --- who else takes writes


@pytest.fixture
def base(shop: Shop, pair: Pair) -> Shop:
    found = on(shop, pair.estate)
    found.write(PROMOTE)
    return found


def test_another_database_that_takes_writes_after_a_promotion_is_named_and_ends_in_8(base: Shop) -> None:
    found = verdict_of(base, base.start(Mode.UNGRACEFUL))
    assert (found.outcome, found.exit_code) == (Outcome.PASS, ExitCode.LEFT_BEHIND)
    assert found.reason.endswith("; LEFT: west takes writes beside east: pg.rejoin")


def test_one_that_does_not_answer_may_take_writes_and_is_named_as_well(base: Shop, pair: Pair) -> None:
    pair.crash("west")
    found = verdict_of(base, base.start(Mode.UNGRACEFUL))
    assert (found.outcome, found.exit_code) == (Outcome.PASS, ExitCode.LEFT_BEHIND)
    words = "LEFT: west does not answer: pg.rejoin before it takes writes again"
    assert found.reason.endswith(words)


def test_one_that_is_fenced_is_no_rival(base: Shop, pair: Pair) -> None:
    pair.estate.do(FenceVerb(), region="west")
    found = verdict_of(base, base.start())
    assert (found.outcome, found.exit_code) == (Outcome.PASS, ExitCode.PASS)
    assert "LEFT" not in found.reason


def test_a_run_that_promoted_nobody_looks_for_no_rival(base: Shop, pair: Pair) -> None:
    pair.crash("east")
    base.write("  - {id: freeze, pg.fence: {region: $from}, undo: previous}\n")
    assert verdict_of(base, base.start()).exit_code is ExitCode.PASS


@pytest.fixture
def caches(tmp_path: Path) -> Iterator[Caches]:
    with running_caches(tmp_path / "caches") as running:
        yield running


def test_another_cache_that_takes_writes_after_a_promotion_is_named(shop: Shop, caches: Caches) -> None:
    base = on(shop, caches.estate)
    base.write(PROMOTE_CACHE)
    found = verdict_of(base, base.start())
    assert (found.outcome, found.exit_code) == (Outcome.PASS, ExitCode.LEFT_BEHIND)
    assert found.reason.endswith("; LEFT: the cache of west takes writes beside east: redis.rejoin")


def test_a_cache_that_does_not_answer_may_take_writes_and_is_named(shop: Shop, caches: Caches) -> None:
    base = on(shop, caches.estate)
    base.write(PROMOTE_CACHE)
    caches.kill("west")
    found = verdict_of(base, base.start(Mode.UNGRACEFUL))
    assert found.exit_code is ExitCode.LEFT_BEHIND
    assert "LEFT: the cache of west does not answer: redis.rejoin before it takes writes" in found.reason


def test_a_cache_that_rejoined_is_no_rival(shop: Shop, caches: Caches) -> None:
    base = on(shop, caches.estate)
    base.write(PROMOTE_CACHE + "  - {id: back, redis.rejoin: {region: $from}, undo: none}\n")
    assert verdict_of(base, base.start()).exit_code is ExitCode.PASS


# --- what becomes of weights


@pytest.fixture
def edge(tmp_path: Path) -> Iterator[RunningEdge]:
    with running_edge(tmp_path / "edge") as running:
        yield running


def test_weights_that_a_reload_lost_are_set_again(shop: Shop, edge: RunningEdge) -> None:
    base = on(shop, edge.estate)
    base.write(SHIFT + WAIT)
    run = base.start()
    base.question(run)
    edge.reload()
    base.answer(run, "done")
    assert verdict_of(base, run).exit_code is ExitCode.PASS
    assert edge.weights() == SHIFTED
    first, again = base.view(run).state.effects
    assert (first.step, again.step.partition("-")[0]) == ("shift/1", "shift/again")


@pytest.mark.parametrize("reloaded", [False, True], ids=["at once", "after a reload"])
def test_weights_that_somebody_else_has_set_are_left_alone_and_told(
    shop: Shop, edge: RunningEdge, *, reloaded: bool
) -> None:
    base = on(shop, edge.estate)
    base.write(SHIFT + WAIT, "done_when: {serving: [$to], within: 1s}\n")
    run = base.start()
    base.question(run)
    if reloaded:
        edge.reload()
    edge.estate.do(WeightVerb(), weights={"west": 30})
    decided = edge.weights()
    base.answer(run, "done")
    found = verdict_of(base, run)
    assert found.exit_code is ExitCode.FAIL
    assert "not settled after 1 s: shift still holds: no, " in found.reason
    assert "west-1 has 30, not 0" in found.reason
    assert edge.weights() == decided


def test_a_run_that_dies_half_way_out_of_a_dead_region_goes_on_without_a_question(
    shop: Shop, edge: RunningEdge
) -> None:
    edge.estate.do(WeightVerb(), weights={"west": 100, "east": 100})
    edge.make_ill("west-1", "west-2")
    base = on(shop, edge.estate)
    half = "  - {id: half, edge.weight: {to: $to, away_from: $from, ramp: [50]}, undo: previous}\n"
    base.write(half + WAIT + SHIFT)
    run = base.start(Mode.UNGRACEFUL)
    first = base.question(run)
    assert edge.weights()["west-1"] == 50
    base.kill(run)
    until(lambda: base.view(run).phase is Phase.ORPHANED, what="an orphan")
    base.resume(run)
    until(lambda: base.question(run).seq != first.seq and base.view(run).pid is not None, what="a question")
    assert base.question(run).text == "wait: Wait."
    base.answer(run, "done")
    assert verdict_of(base, run).exit_code is ExitCode.PASS
    assert edge.weights() == SHIFTED
