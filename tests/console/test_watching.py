"""The watch that comes with a sandbox: one, however many start it at once."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from console.watching import start_watch, stop_watch
from keelwatch.ledger import open_ledger
from keelwatch.runs import runs
from tests.sandbox.running import RunningSandbox

pytestmark = pytest.mark.sandbox


def test_two_who_start_at_once_start_one_watch(sandbox: RunningSandbox) -> None:
    with ThreadPoolExecutor(2) as both:
        started = [future.result() for future in [both.submit(start_watch, sandbox.first) for _ in range(2)]]
    assert sum(one is not None for one in started) == 1
    stop_watch(sandbox.name)
    store = open_ledger()
    (watcher,) = [one for one in runs(store) if one.state.id in started]
    store.close()
    assert watcher.pid is None
    assert str(watcher.state.verdict).startswith("inconclusive: stopped")
