from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.adapters.prometheus_server import Running, fill, running
from tests.slo.world import lines


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A real Prometheus with the 35 days of `tests.slo.world`."""
    folder = tmp_path_factory.mktemp("world")
    fill(folder, lines())
    with running(folder) as server:
        yield server
