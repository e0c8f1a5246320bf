"""Real Locust against a portal of a few lines: the shape that applies is the one that was ordered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from loadtests.locustfile import has_shape
from tests.bench.load_world import LoadWorld
from tests.loadtests.small_world import small_world

VISITOR = """\
import locust
from locust import FastHttpUser, LoadTestShape, constant, task


class Visitor(FastHttpUser):
    wait_time = constant(0.2)

    @task
    def page(self):
        self.client.get("/")


"""
TICK = """\
    def tick(self):
        return (10, 10) if self.get_run_time() < 3 else None


"""
BIG = f"class Big(LoadTestShape):\n{TICK}"
APART = f"from locust import LoadTestShape\n\n\n{BIG}"
CLOSED = "model: closed\nstages: [{users: 2, for: 12s}]\n"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LoadWorld]:
    with small_world(tmp_path_factory.mktemp("world")) as found:
        (found.folder / "loadtests" / "big_shapes.py").write_text(APART)
        yield found


def pushed(world: LoadWorld, shapes: str, head: str = CLOSED) -> dict[str, Any]:
    (world.folder / "loadtests" / "shaped.py").write_text(VISITOR + shapes)
    world.profile("shaped", head, "locustfile: shaped.py")
    return world.keelwatch("run", "shaped")


def most_users(found: dict[str, Any]) -> int:
    return max(int(one["users"]) for one in found["seconds"])


IMPORTED = "from big_shapes import Big\n"
ALIASED = f"Kind = LoadTestShape\n\n\nclass Big(Kind):\n{TICK}"
REACHED = f"class Big(getattr(locust, 'LoadTest' + 'Shape')):\n{TICK}"
SAME_AS_OURS = f"class Stages(getattr(locust, 'LoadTest' + 'Shape')):\n{TICK}"
ON_A_BASE = f"class Base(LoadTestShape):\n    abstract = True\n\n\nclass Big(Base):\n{TICK}"
TWO_NAMES = f"{BIG}Same = Big\n"


@pytest.mark.deep
@pytest.mark.parametrize(
    ("shapes", "processes"),
    [
        pytest.param(IMPORTED, 1, id="imported"),
        pytest.param(IMPORTED, 2, id="imported-two-processes"),
        pytest.param(BIG, 1, id="visible"),
        pytest.param(ALIASED, 1, id="aliased"),
        pytest.param(REACHED, 1, id="reached"),
        pytest.param(SAME_AS_OURS, 1, id="named-as-ours"),
        pytest.param(ON_A_BASE, 1, id="on-a-base"),
        pytest.param(TWO_NAMES, 1, id="two-names"),
    ],
)
def test_a_shape_of_its_own_applies_wherever_it_comes_from(
    world: LoadWorld, shapes: str, processes: int
) -> None:
    found = pushed(world, shapes, f"processes: {processes}\n{CLOSED}")
    assert found["verdict"] == "pass", found["reason"]
    assert (most_users(found), len(found["seconds"]) < 9) == (10, True)


ABSTRACT = f"class Base(LoadTestShape):\n    abstract = True\n\n{TICK}"


@pytest.mark.deep
@pytest.mark.parametrize("processes", [1, 2])
@pytest.mark.parametrize("shapes", ["", ABSTRACT], ids=["none", "abstract"])
def test_where_it_has_none_that_can_apply_the_stages_do(
    world: LoadWorld, shapes: str, processes: int
) -> None:
    stages = "model: closed\nstages: [{users: 6, for: 7s}]\n"
    found = pushed(world, shapes, f"processes: {processes}\n{stages}")
    assert found["verdict"] == "pass", found["reason"]
    assert (most_users(found), found["judged"]["least_users"]) == (6, 1.0)


REPLACES = """\
class Hidden:
    class Big(getattr(locust, 'LoadTest' + 'Shape')):
        def tick(self):
            return (10, 10)


@locust.events.init.add_listener
def replaces(environment, **_):
    environment.shape_class = Hidden.Big()
"""
RAISES = """\
class Big(LoadTestShape):
    def tick(self):
        return (10, 10) if self.get_run_time() < 3 else 1 / 0
"""
SAME_NAME = f"from big_shapes import Big as Other\n\n\n{BIG}"


@pytest.mark.deep
@pytest.mark.parametrize(
    ("shapes", "words"),
    [
        (f"{BIG}class Small(Big):\n    pass\n", "its locustfile has 2 shapes (Big, Small)"),
        pytest.param(
            SAME_NAME,
            "two of its classes have one name: Duplicate shape classes: Big",
        ),
        pytest.param(REPLACES, "its locustfile replaces the shape"),
        pytest.param(RAISES, "its shape raised ZeroDivisionError: division by zero"),
    ],
    ids=["two", "same-name", "replaced", "raises"],
)
def test_a_locustfile_whose_shape_cannot_be_told_or_fails_is_unfit(
    world: LoadWorld, shapes: str, words: str
) -> None:
    found = pushed(world, shapes)
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    assert f"locustfile-unfit: {words}" in found["reason"]


@pytest.mark.deep
@pytest.mark.parametrize("shapes", [IMPORTED, REPLACES], ids=["imported", "replaced"])
def test_no_shape_of_its_own_fits_an_open_load(world: LoadWorld, shapes: str) -> None:
    found = pushed(world, shapes, "model: open\nstages: [{rate: 10, for: 12s}]\n")
    assert (found["verdict"], found["exit"]) == ("invalid", 4), found["reason"]
    assert "locustfile-unfit: its locustfile " in found["reason"]


@pytest.mark.parametrize(
    ("shapes", "shown"), [(BIG, True), (ABSTRACT, False), (IMPORTED, False), (f"{ABSTRACT}{BIG}", True)]
)
def test_the_text_of_an_abstract_shape_shows_none(tmp_path: Path, shapes: str, *, shown: bool) -> None:
    (tmp_path / "shaped.py").write_text(shapes)
    assert has_shape(tmp_path / "shaped.py") is shown
