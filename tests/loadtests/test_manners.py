"""Real Locust against a portal of a few lines: whatever a locustfile says, what it asks counts as load."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.bench.load_world import LoadWorld
from tests.loadtests.small_world import small_world

CLOSED = "model: closed\nstages: [{users: 1, for: 2s}]\n"
VISITOR = """\
import urllib.request

import requests
from locust import FastHttpUser, HttpUser, constant, task


class Visitor(KIND):
    wait_time = constant(0.2)

    def on_start(self):
        START

    @task
    def page(self):
        TASK
"""
REPLACED = "self.client.headers = {'Accept': 'text/html'}"
OWN = "self.client.get('/load', headers={'keelwatch-traffic': 'real'})"
MOVED = "self.client.get('/moved')"
REQUESTS = "self.client.get('/load' if requests.get(self.host + '/load').ok else '/gone')"
SESSION = "self.client.get('/load' if self.mine.get(self.host + '/load').ok else '/gone')"
URLLIB = "self.client.get('/load' if urllib.request.urlopen(self.host + '/load').status == 200 else '/gone')"
MINE = "self.mine = requests.Session(); self.mine.headers['KEELWATCH-TRAFFIC'] = 'real'"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadWorld]:
    with small_world(tmp_path_factory.mktemp("world")) as found:
        yield found


@pytest.mark.parametrize(
    ("kind", "start", "does"),
    [
        ("HttpUser", REPLACED, "self.client.get('/load')"),
        *[
            pytest.param(*one, marks=pytest.mark.deep)
            for one in (
                (
                    "HttpUser",
                    "self.client.headers['Keelwatch-Traffic'] = 'probe'",
                    "self.client.get('/load')",
                ),
                ("HttpUser", "pass", OWN),
                ("HttpUser", REPLACED, MOVED),
                ("FastHttpUser", "pass", OWN),
                ("FastHttpUser", "pass", MOVED),
                ("FastHttpUser", "self.client.client.default_headers['Keelwatch-Traffic'] = 'real'", MOVED),
                ("FastHttpUser", "pass", REQUESTS),
                ("FastHttpUser", MINE, SESSION),
                ("HttpUser", "pass", URLLIB),
            )
        ],
    ],
)
def test_every_request_says_once_that_it_is_load(world: LoadWorld, kind: str, start: str, does: str) -> None:
    text = VISITOR.replace("KIND", kind).replace("START", start).replace("TASK", does)
    (world.folder / "loadtests" / "marked.py").write_text(text)
    world.profile("marked", CLOSED, "locustfile: marked.py")
    found = world.keelwatch("run", "marked")
    assert found["verdict"] == "pass", found["reason"]
    assert (found["all"]["failed"], found["judged"]["errors"]) == (0, {})
    assert found["all"]["count"] > 2


JOURNEY = """\
journey: says-so
title: Somebody looks in
component: portal
deadline: 10s
steps:
  - {name: page, get: /load, expect: {status: 200}}
"""


@pytest.mark.deep
def test_every_request_of_a_journey_says_once_that_it_is_load(world: LoadWorld) -> None:
    (world.folder / "probes" / "says-so.yaml").write_text(JOURNEY)
    world.profile("journeys", f"processes: 2\n{CLOSED}".replace("1", "2"), "journeys: [{journey: says-so}]")
    found = world.keelwatch("run", "journeys")
    assert (found["all"]["failed"], found["judged"]["errors"]) == (0, {}), found["reason"]
    assert found["all"]["count"] > 3


def test_the_portal_of_these_tests_refuses_who_does_not_say_so(world: LoadWorld) -> None:
    assert requests.get(f"{world.url}/load", timeout=5).status_code == 403
