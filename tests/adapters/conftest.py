from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.adapters.postgres_pair import Pair, running_pair, template
from tests.adapters.prometheus_server import Running, counter_lines, fill, running

BEGIN = 1_767_225_600


@pytest.fixture(scope="session")
def prometheus(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One hour of one counter that grows by one per second."""
    folder: Path = tmp_path_factory.mktemp("prometheus")
    points = [(BEGIN + seconds, float(seconds)) for seconds in range(0, 3601, 15)]
    fill(folder, counter_lines("ticks_total", {'job="test"': points}))
    with running(folder, "--query.max-samples=1000") as server:
        yield server


@pytest.fixture(scope="session")
def postgres_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return template(tmp_path_factory.mktemp("postgres"))


@pytest.fixture
def pair(tmp_path: Path, postgres_template: Path) -> Iterator[Pair]:
    """PostgreSQL: a primary in the west, its standby in the east."""
    with running_pair(tmp_path / "pair", postgres_template) as running:
        yield running
