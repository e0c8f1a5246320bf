"""The readings of a sandbox that starts: read its history meanwhile, and wait until all objectives read."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from console.live_feed import LiveFeed
from console.places import Place
from keelwatch.adapters.prometheus import Prometheus
from keelwatch.workspace import SourceError, SystemClock, endpoints_path
from keelwatch.workspace.find import built_in
from keelwatch.workspace.workspace import load_workspace
from slo.snapshot import State
from slo.source import find_source

PAUSE_S = 0.25


def place_of(name: str) -> Place:
    """The environment of the built-in workspace, bound to sandbox `name`."""
    workspace = load_workspace(built_in())
    environment_name, environment = workspace.environment(None)
    return Place(workspace, environment_name, environment.model_copy(update={"sandbox": name}))


def feed_of(name: str) -> LiveFeed:
    """The feed on that environment."""
    return LiveFeed(place_of(name))


@contextmanager
def history_read_meanwhile(name: str) -> Iterator[Callable[[], LiveFeed]]:
    """Gives what gives a feed that reads the month behind a sandbox as soon as its Prometheus answers, while
    the block starts the rest of it: seconds before the first scrape, in which nobody has much to do."""
    ended = threading.Event()

    def read() -> LiveFeed:
        where = place_of(name)
        feed = LiveFeed(where)
        while not ended.is_set() and not _answers(where):
            ended.wait(PAUSE_S)
        if not ended.is_set():
            feed.look()
        return feed

    with ThreadPoolExecutor(1, thread_name_prefix="history") as reader:
        reading = reader.submit(read)
        try:
            yield reading.result
        finally:
            ended.set()


def _answers(where: Place) -> bool:
    try:
        client = Prometheus(find_source(where.environment, where.workspace.root).config)
        try:
            client.query("vector(1)", SystemClock().now())
        finally:
            client.close()
    except SourceError:
        return False
    return True


def await_readings(feed: LiveFeed, name: str, within_s: float) -> None:
    """Until every objective on real traffic of the built-in workspace reads a value in every window.

    Raises `SourceError` naming one that does not.
    """
    deadline = time.monotonic() + within_s
    while True:
        snapshot = feed.look().snapshot
        missing = [one for one in snapshot.objectives if one.stratum == "real" and one.state is State.UNKNOWN]
        if snapshot.objectives and not missing:
            return
        if not endpoints_path(name).exists():
            raise SourceError(
                f"the sandbox {name} was stopped before it had readings", "keelwatch sandbox up"
            )
        if time.monotonic() > deadline:
            reason = missing[0].unknown_reason if missing else "no objectives"
            raise SourceError(f"the sandbox runs, but has no readings after {within_s:g} s: {reason}")
        time.sleep(PAUSE_S)
