"""Who gets which account, and how long an execution waits for one."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from keelwatch.ledger import JsonObject
from keelwatch.workspace.entrance import Account, Entrance
from probes import engine
from probes.book import Leased, NoAccount, Owed
from probes.engine import World, execute
from probes.load import Journey
from probes.place import Place
from probes.record import Execution, UndoRecord
from probes.wire import LagMeter, Resolver
from tests.probes.conftest import CHANGE, LOGIN, Bench, only
from tests.probes.made import HEAD, written
from tests.probes.shop import Asked, Reply
from tests.probes.test_undo import refuse_undo


@pytest.mark.parametrize("failing", [pytest.param("shared", marks=pytest.mark.deep), "exclusive"])
def test_an_account_with_an_open_undo_is_given_to_nobody(bench: Bench, failing: str) -> None:
    """Whoever left it: a shared lease is on no record of leases."""
    bench.shop.before = refuse_undo
    bench.journey("change", LOGIN + CHANGE, cleanup_reserve="6s")
    lease_as(bench, "change", failing)
    assert bench.run("probe", "run", "change")[0] == 8
    for lease in ("shared", "exclusive"):
        bench.journey("look", LOGIN + "  - get: /plan\n")
        lease_as(bench, "look", lease)
        code, found = bench.result("look")
        assert (code, only(found)["account"]) == (0, "bob"), lease

    bench.shop.before = lambda _: None
    assert bench.run("heal")[0] == 0
    lease_as(bench, "look", "shared")
    assert only(bench.result("look")[1])["account"] == "ada"


def lease_as(bench: Bench, journey: str, lease: str) -> None:
    file = bench.folder / "probes" / f"{journey}.yaml"
    text = file.read_text()
    for before in ("{pool: pool}", "{pool: pool, lease: shared}", "{pool: pool, lease: exclusive}"):
        text = text.replace(f"as: {before}", f"as: {{pool: pool, lease: {lease}}}")
    file.write_text(text)


@dataclass
class Busy:
    """A book whose one account comes back after so many questions. `is_ours`: to whom it is lent."""

    questions: int
    is_ours: bool
    asked: list[float] = field(default_factory=list)

    def lease(self, pool: str, region: str, *, exclusive: bool) -> Leased:
        self.asked.append(time.monotonic())
        if len(self.asked) <= self.questions:
            raise NoAccount("ada is lent", is_ours=self.is_ours)
        return Leased(Account("ada", region, "", "env:SHOP_PASSWORD", None, Path()), None)

    def give_back(self, leased: Leased) -> None:
        pass

    def announce(self, step: str, target: str, action: JsonObject, undo: JsonObject) -> Owed:
        raise AssertionError(step)

    def report(self, owed: Owed, evidence: JsonObject) -> None:
        raise AssertionError(owed)

    def undo(self, prefix: str) -> list[UndoRecord]:
        return []


@pytest.mark.parametrize(("holder", "result"), [("r1", "pass"), ("r2", "invalid")])
def test_an_account_of_the_same_run_is_waited_for_however_long(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, holder: str, result: str
) -> None:
    """Its holder has a deadline, and may itself wait for a one-time code; that is nobody's time."""
    monkeypatch.setenv("SHOP_PASSWORD", bench.shop.password)
    monkeypatch.setattr(engine, "ACCOUNT_S", 0.3)
    monkeypatch.setattr(engine, "ACCOUNT_PAUSE_S", 0.1)
    steps = f"{HEAD}as: {{pool: pool}}\ndeadline: 500ms\nsteps:\n{LOGIN}"
    book = Busy(12, is_ours=holder == "r1")
    execution = asyncio.run(executed(bench, written(tmp_path, steps).journey, book))
    assert execution.result == result, execution.reason
    assert (len(book.asked) > 12) is book.is_ours
    assert execution.took_s < 0.5


async def executed(bench: Bench, journey: Journey, book: Busy) -> Execution:
    scheme, _, rest = bench.shop.url.partition("://")
    host, _, port = rest.partition(":")
    hosts = frozenset({(scheme, host, int(port))})
    entrance = Entrance("shop", bench.shop.url, {"west": bench.shop.url}, hosts, None, "", None, {})
    async with LagMeter() as lag:
        world = World(entrance, Place(bench.folder / "keelwatch.yaml", "shop"), "r1", book, Resolver(), lag)
        return await execute(journey, "west", world, lambda _: None)


def test_our_own_lateness_is_no_part_of_a_steps_time(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event loop stands still while the second step waits for its answer."""
    monkeypatch.setenv("SHOP_PASSWORD", bench.shop.password)
    journey = written(tmp_path, f"{HEAD}as: {{pool: pool}}\nsteps:\n{LOGIN}  - get: /plan\n").journey

    def hold_up(asked: Asked) -> Reply | None:
        if asked.path == "/plan":
            loop.call_soon_threadsafe(time.sleep, 0.3)
        return None

    bench.shop.before = hold_up
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        step = runner.run(executed(bench, journey, Busy(0, is_ours=True))).steps[1]

    (hop,) = step.hops
    assert hop.ours_ms > 100
    assert step.took_ms < hop.total_ms


def test_executions_of_one_run_take_turns_with_its_one_account(bench: Bench) -> None:
    def take_a_while(asked: Asked) -> Reply | None:
        if asked.path == "/plan":
            time.sleep(0.4)
        return None

    bench.shop.before = take_a_while
    file = bench.folder / "keelwatch.yaml"
    file.write_text("\n".join(line for line in file.read_text().splitlines() if "bob" not in line))
    for name in "abc":
        bench.journey(name, LOGIN + "  - get: /plan\n", deadline="2s")
    code, found = bench.result("--all")
    executions: list[dict[str, Any]] = found["executions"]
    assert (code, [one["account"] for one in executions]) == (0, ["ada"] * 3)
    assert all(one["took_s"] < 2 for one in executions)
