"""Real Locust against a portal of a few lines: a load that was not what was ordered is never green."""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Iterator
from contextlib import closing

import pytest

from chaos.under_load import ANSWERED
from keelwatch.ledger import open_ledger
from keelwatch.runs import view
from tests.bench.load_world import LoadWorld
from tests.loadtests.pushing import generators, pid_of, runs, stream_of
from tests.loadtests.small_world import QUITS, VISITOR, locustfile, pushing, small_world
from tests.sandbox.waiting import until

CALM = "thresholds: [{failures_below: 20}, {percentile: 50, below: 5s}]\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadWorld]:
    with small_world(tmp_path_factory.mktemp("world")) as found:
        yield found


def experiment(world: LoadWorld, name: str, lasts_s: int) -> None:
    """Its method breaks nothing, and takes so long."""
    probe = {
        "type": "probe",
        "name": "it answers",
        "tolerance": 200,
        "provider": {"type": "http", "url": world.url},
    }
    act = {
        "type": "action",
        "name": "wait",
        "provider": {"type": "process", "path": "sleep", "arguments": str(lasts_s)},
    }
    text = {
        "title": "Nothing happens",
        "description": "Beside a load",
        "steady-state-hypothesis": {"title": "It answers", "probes": [probe]},
        "method": [act],
    }
    (world.folder / "chaos").mkdir(exist_ok=True)
    (world.folder / "chaos" / f"{name}.json").write_text(json.dumps(text))


@pytest.mark.deep
def test_an_experiment_beside_a_load_that_drops_arrivals_is_invalid(world: LoadWorld) -> None:
    """It stops its load, as it always does: what the load was until then is told all the same."""
    what = locustfile(world, "slow", VISITOR.replace("PATH", "/slow"))
    world.profile("crowded", "model: open\nmost_in_flight: 1\nstages: [{rate: 20, for: 60s}]\n", what)
    experiment(world, "nothing", lasts_s=3)
    found = world.armed("chaos", "run", "nothing", "--under-load", "crowded")
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    assert "arrivals-dropped" in found["reason"]
    assert "; stopped: " in found["reason"]


@pytest.mark.deep
def test_a_load_beside_an_experiment_does_not_outlive_its_run(world: LoadWorld) -> None:
    """Which could tell nobody to stop."""
    what = locustfile(world, "visit", VISITOR.replace("PATH", "/"))
    world.profile("beside", "model: closed\nstages: [{users: 2, for: 60s}]\n", what)
    experiment(world, "long", lasts_s=30)
    before = set(runs())
    left = world.armed("chaos", "run", "long", "--under-load", "beside", "--detach")
    assert (left["verdict"], left["exit"]) == (None, None)
    run = left["run"]
    (load,) = until(lambda: [one for one in runs() if one not in before | {run}], 20)
    until(lambda: noted(load) == 1, 60)
    os.kill(pid_of(run), signal.SIGKILL)
    until(lambda: generators(load) == [], 5)
    with closing(open_ledger()) as store:
        verdict = until(lambda: view(store, load).state.verdict, 20)
    assert verdict is not None
    assert (verdict.exit_code, verdict.reason) == (7, f"stopped: run {run}, which it was for, is over")


@pytest.mark.deep
def test_a_load_whose_requests_all_fail_is_not_there_yet(world: LoadWorld) -> None:
    """Its requests all fail, however many there are; the first of a load that is answered is a fact of it."""
    what = locustfile(world, "gone", VISITOR.replace("PATH", "/gone"))
    world.profile("gone", "model: closed\nstages: [{users: 1, for: 4s}]\n", what)
    assert noted(world.keelwatch("run", "gone")["run"]) == 0
    good = locustfile(world, "visit", VISITOR.replace("PATH", "/"))
    world.profile("good", "model: closed\nstages: [{users: 1, for: 4s}]\n", good)
    assert noted(world.keelwatch("run", "good")["run"]) == 1


def noted(run: str) -> int:
    """How often it has said that it was answered."""
    with closing(open_ledger()) as store:
        return [fact.event for fact in store.after(0, run=run)].count(ANSWERED)


def test_a_load_that_its_locustfile_ends_early_is_invalid(world: LoadWorld) -> None:
    stages = "model: closed\nstages: [{users: 2, for: 20s}]\n"
    world.profile("quits", stages + CALM, locustfile(world, "quits", QUITS))
    found = world.keelwatch("run", "quits")
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    assert re.match(r"ended-early: [345] s of 20 s", found["reason"]), found["reason"]


@pytest.mark.deep
@pytest.mark.parametrize(
    ("head", "words"),
    [
        ("model: open\nstages: [{rate: 15, for: 20s}]\n", "ended-early"),
        ("model: open\nprocesses: 2\nstages: [{rate: 15, for: 20s}]\n", "workers-lost: 1 of 2"),
        ("model: closed\nprocesses: 2\nstages: [{users: 4, for: 20s}]\n", "workers-lost: 1 of 2"),
    ],
)
def test_a_generator_that_takes_its_leave_before_its_time_is_lost(
    world: LoadWorld, head: str, words: str
) -> None:
    what = locustfile(world, "visit", VISITOR.replace("PATH", "/"))
    world.profile("left", head + CALM, what)
    with pushing(world, "left") as (run, follower):
        os.kill(generators(run)[-1], signal.SIGTERM)
        found = json.loads(follower.communicate(timeout=60)[0])
        assert generators(run) == []
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    assert words in found["reason"]


@pytest.mark.deep
def test_a_load_that_begins_late_is_another_than_was_ordered(world: LoadWorld) -> None:
    """Though every answer is quick, and none is left out: no process of Python's asks so often."""
    what = locustfile(world, "quick", VISITOR.replace("PATH", "/"))
    stages = "model: open\nmost_in_flight: 10000\nstages: [{rate: 10000, for: 3s}]\n"
    world.profile("quick", f"{stages}thresholds: [{{failures_below: 20}}]\n", what)
    found = world.keelwatch("run", "quick")
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    assert "generator-late: " in found["reason"]


SHAPE = """

class Steps(KIND):
    def tick(self):
        return (4, 4) if self.get_run_time() < ENDS else None
"""
SHAPED = VISITOR.replace("PATH", "/").replace("constant,", "LoadTestShape, constant,") + SHAPE


def test_a_shape_of_its_own_ends_no_open_load(world: LoadWorld) -> None:
    """Also one that its text does not show."""
    hidden = SHAPED.replace("LoadTestShape, ", "").replace("from locust", "import locust\nfrom locust", 1)
    hidden = hidden.replace("KIND", "getattr(locust, 'LoadTest' + 'Shape')").replace("ENDS", "4")
    stages = "model: open\nstages: [{rate: 15, for: 15s}]\n"
    world.profile("hidden", stages + CALM, locustfile(world, "hidden", hidden))
    found = world.keelwatch("run", "hidden")
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    assert "locustfile-unfit: its locustfile has a shape of its own" in found["reason"]


@pytest.mark.deep
def test_a_shape_of_its_own_ends_a_closed_load_when_it_likes(world: LoadWorld) -> None:
    shaped = SHAPED.replace("KIND", "LoadTestShape").replace("ENDS", "4")
    stages = "model: closed\nstages: [{users: 4, for: 20s}]\n"
    world.profile("shaped", stages + CALM, locustfile(world, "shaped", shaped))
    found = world.keelwatch("run", "shaped")
    assert (found["verdict"], len(found["seconds"]) < 10) == ("pass", True), found["reason"]


@pytest.mark.deep
@pytest.mark.parametrize("thawed", [False, True])
def test_a_frozen_generator_hides_behind_nobody(world: LoadWorld, *, thawed: bool) -> None:
    """Where a shape of its own says how many users there are, nobody else knows how many are missing."""
    shaped = SHAPED.replace("KIND", "LoadTestShape").replace("ENDS", "60")
    stages = "model: closed\nprocesses: 2\nstages: [{users: 4, for: 20s}]\n"
    world.profile("frozen", stages + CALM, locustfile(world, "frozen", shaped))
    with pushing(world, "frozen") as (run, follower):
        frozen = generators(run)[-1]
        os.kill(frozen, signal.SIGSTOP)
        if thawed:
            until(lambda: '"second":10' in stream_of(run), 20)
            os.kill(frozen, signal.SIGCONT)
        found = json.loads(follower.communicate(timeout=60)[0])
        assert generators(run) == []
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    assert "generator-frozen" in found["reason"]


WAITS = """\
journey: waits
title: Somebody waits for what never comes
component: portal
deadline: DEADLINE
steps:
  - {name: page, get: /, expect: {status: 200}}
  - {name: ready, poll: /, within: WITHIN, until: {status: 201}}
"""


@pytest.mark.deep
@pytest.mark.parametrize(("deadline", "within"), [("10s", "1s"), ("1s", "1s")])
def test_journeys_that_wait_in_vain_fail_and_so_does_the_load(
    world: LoadWorld, deadline: str, within: str
) -> None:
    text = WAITS.replace("DEADLINE", deadline).replace("WITHIN", within)
    (world.folder / "probes" / "waits.yaml").write_text(text)
    stages = "model: open\nstages: [{rate: 4, for: 6s}]\n"
    world.profile("waits", stages + CALM, "journeys: [{journey: waits}]")
    found = world.keelwatch("run", "waits")
    (journey,) = found["journeys"]
    assert journey["failed"] == journey["count"] > 5
    assert found["all"]["failed"] == journey["failed"], "the last attempt of each, and no other"
    assert (found["verdict"], found["exit"]) == ("fail", 1), found["reason"]
    assert f"every-journey-failed: {journey['count']} of {journey['count']}" in found["reason"]
    assert "failures < 20%: 100.00% of journeys" in found["reason"]


UNSENDABLE = """\
  - {name: page, get: /, expect: {status: 200}}
  - {name: next, get: /, headers: {X-A: "\u20ac"}, expect: {status: 200}}
"""


@pytest.mark.deep
def test_a_journey_that_meets_an_error_nobody_thought_of_has_failed(world: LoadWorld) -> None:
    """Its second request cannot be written down at all."""
    text = WAITS.partition("  - ")[0].replace("DEADLINE", "10s") + UNSENDABLE
    (world.folder / "probes" / "waits.yaml").write_text(text)
    stages = "model: open\nstages: [{rate: 4, for: 6s}]\n"
    world.profile("unsendable", stages + CALM, "journeys: [{journey: waits}]")
    found = world.keelwatch("run", "unsendable")
    (journey,) = found["journeys"]
    assert journey["failed"] == journey["count"] == found["judged"]["due"] > 5
    assert (found["verdict"], found["exit"]) == ("fail", 1), found["reason"]
    assert [one for one in found["judged"]["errors"] if one.startswith("waits: next: ValueError: ")]


TWO_KINDS = """\
from locust import FastHttpUser, task


class Seldom(FastHttpUser):
    @task
    def page(self):
        self.client.get("/", name="seldom")


class Often(FastHttpUser):
    weight = 4

    @task
    def page(self):
        self.client.get("/", name="often")
"""


@pytest.mark.deep
def test_users_of_an_open_load_come_by_their_weights(world: LoadWorld) -> None:
    """However few of them are there at once."""
    stages = "model: open\nstages: [{rate: 30, for: 5s}]\n"
    world.profile("kinds", stages, locustfile(world, "kinds", TWO_KINDS))
    found = world.keelwatch("run", "kinds")
    counts = {one["name"]: one["count"] for one in found["requests"]}
    assert (found["verdict"], found["all"]["failed"]) == ("pass", 0), found["reason"]
    assert 0.6 < counts["GET often"] / found["all"]["count"] < 0.95, counts


RAISES = """\
import itertools

import gevent
from locust import FastHttpUser, task
from locust.exception import StopUser

COUNT = itertools.count()


class Visitor(FastHttpUser):
    def on_start(self):
        if next(COUNT) % 2 == 0:
            raise RuntimeError("cannot log in")

    @task
    def page(self):
        if next(COUNT) % 3:
            raise WHAT
        self.client.get("/")
"""
STARTS = """\
import time

from locust import FastHttpUser, task


class Visitor(FastHttpUser):
    def on_start(self):
        self.client.get("/")
        time.sleep(1)

    @task
    def page(self):
        self.client.get("/")
        raise KeyError("after it")
"""


@pytest.mark.deep
@pytest.mark.parametrize("what", ['KeyError("nothing to do")', "StopUser", "gevent.Timeout(1)"])
def test_arrivals_that_did_nothing_are_no_load(world: LoadWorld, what: str) -> None:
    stages = "model: open\nstages: [{rate: 15, for: 5s}]\n"
    text = RAISES.replace("WHAT", what)
    world.profile("raises", stages + CALM, locustfile(world, "raises", text))
    found = world.keelwatch("run", "raises")
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    idle = found["judged"]["due"] - found["all"]["count"]
    assert found["reason"] == (
        f"arrivals-idle: {idle} of {found['judged']['due']} raised before they asked anything"
    )


@pytest.mark.deep
def test_a_visitors_start_makes_nobodys_answer_late_and_what_asked_has_come(world: LoadWorld) -> None:
    head = "model: open\narrivals: paced\nstages: [{rate: 15, for: 5s}]\n"
    late = "thresholds: [{percentile: 90, below: 500ms, request: GET /}]\n"
    world.profile("starts", head + late, locustfile(world, "starts", STARTS))
    found = world.keelwatch("run", "starts")
    assert (found["verdict"], found["exit"]) == ("fail", 1), found["reason"]
    assert found["reason"].startswith(f"tasks-raised: {found['judged']['due']} times ")
    assert "threshold-missed" not in found["reason"]
