from __future__ import annotations

from collections.abc import Iterator

import pytest

from keelwatch.adapters.prometheus import Prometheus, PrometheusConfig
from tests.adapters.prometheus_server import Running, fill, running
from tests.slo.watched import Watched
from tests.slo.world import lines


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real Prometheus with the 35 days of `tests.slo.world`."""
    folder = tmp_path_factory.mktemp("world")
    fill(folder, lines())
    with running(folder) as server:
        yield server


@pytest.fixture
def source(world: Running) -> Watched:
    return Watched(Prometheus(PrometheusConfig(world.url)))
