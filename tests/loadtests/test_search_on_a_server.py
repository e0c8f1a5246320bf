"""Steps of a search for capacity, by real Locust against a portal of a few lines."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import pytest

from keelwatch.ledger import JsonObject, open_ledger
from tests.bench.load_world import LoadWorld
from tests.loadtests.small_world import QUITS, VISITOR, following, locustfile, small_world
from tests.sandbox.waiting import until

BUSY_S = 0.04
BUSY = f"""\
import time
from locust import FastHttpUser, task


class Busy(FastHttpUser):
    @task
    def page(self):
        ends = time.thread_time() + {BUSY_S}
        while time.thread_time() < ends:
            pass
        self.client.get("/")
"""
THRESHOLDS = "thresholds: [{percentile: 99, below: 100ms}, {failures_below: 10}]\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadWorld]:
    with small_world(tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.mark.deep
def test_a_step_that_its_locustfile_ends_is_no_answer(world: LoadWorld) -> None:
    world.profile(
        "cut", "model: open\nstages: [{rate: 5, for: 9s}]\n" + THRESHOLDS, locustfile(world, "quits", QUITS)
    )
    found = world.keelwatch("capacity", "cut", "--first", "20", "--most", "20", "--step", "12s")
    assert (found["verdict"], found["last_ok"]) == ("inconclusive", None), found["reason"]
    assert found["reason"].startswith("load-invalid: at 20 per second: ended-early")


def test_a_step_whose_breach_is_certain_is_cut_short_and_did_not_hold(world: LoadWorld) -> None:
    """However few it has measured by then: every answer is late."""
    what = locustfile(world, "late", VISITOR.replace("PATH", "/slow"))
    world.profile("late", "model: open\nstages: [{rate: 5, for: 9s}]\n" + THRESHOLDS, what)
    command = world.command("load", "capacity", "late", "--first", "30", "--step", "10s", "--arm")
    with following(command) as (run, _):
        (first, *_rest) = until(lambda: tried_in(run), 40)
    assert (first["held"], first["rate"]) == (False, 30.0)
    assert "are too many already" in str(first["reason"])


def test_a_step_that_its_generator_cannot_push_says_nothing_of_the_server(world: LoadWorld) -> None:
    """Though every answer is later than the thresholds allow, counted from when it was due."""
    world.profile(
        "busy",
        "model: open\nstages: [{rate: 5, for: 9s}]\n" + THRESHOLDS,
        locustfile(world, "busy", BUSY),
    )
    command = world.command("load", "capacity", "busy", "--first", "60", "--step", "10s", "--arm")
    with following(command) as (run, _):
        (first, *_rest) = until(lambda: tried_in(run), 40)
    assert (first["rate"], first["held"], first["is_pushed"]) == (60.0, False, False), first["reason"]
    assert "generator-" in str(first["reason"])


@pytest.mark.deep
def test_the_search_goes_on_below_what_its_generator_cannot_push(world: LoadWorld) -> None:
    world.profile(
        "able",
        "model: open\nstages: [{rate: 5, for: 9s}]\nthresholds: [{failures_below: 10}]\n",
        locustfile(world, "able", BUSY),
    )
    found = world.keelwatch("capacity", "able", "--first", "16", "--step", "5s")
    assert (found["verdict"], found["exit"], found["first_breach"]) == ("pass", 0, None), found["reason"]
    assert 0 < found["last_ok"] < found["out_of_reach"] <= 32, found["tried"]
    assert "cannot be pushed from here: generator-" in found["reason"]


def tried_in(run: str) -> list[JsonObject]:
    with closing(open_ledger()) as store:
        return [fact.body for fact in store.after(0, run=run) if fact.event == "tried"]
