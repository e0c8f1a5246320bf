"""`probe watch` of the shop's journeys, as a run that tests can look into."""

from __future__ import annotations

import json
import signal
import socket
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from console.processes import ENTRY, TABLE
from keelwatch.ledger import FactKind, JsonObject, LedgerStore, open_ledger
from keelwatch.runs import RunView, spawn, view
from keelwatch.runs.mark import read_mark
from keelwatch.runs.state import has_guardian, is_alive
from keelwatch.workspace import run_dir
from probes.watch import arguments
from tests.probes.conftest import CHANGE, LOGIN, Bench

ASK = LOGIN + "  - name: look\n    get: /plan\n"
BAD = LOGIN + "  - name: look\n    get: /plan\n    expect: {json: {plan: gold}}\n"
STUCK = LOGIN + CHANGE + "  - name: wait\n    get: /slow\n"
EACH_SECOND = "{every: 1s}"
ONCE = "{every: 1h}"
RUNS = "keelwatch_probe_runs_total"

type Series = dict[tuple[str, ...], float]


def until(claim: Callable[[], object], what: str, within_s: float = 30.0) -> None:
    deadline = time.monotonic() + within_s
    while not claim():
        assert time.monotonic() < deadline, f"{what} did not come true within {within_s:g} s"
        time.sleep(0.03)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@dataclass
class Watched:
    """A bench whose journeys are watched; `port` is that of the metrics."""

    bench: Bench
    store: LedgerStore
    port: int

    def spawn(self, *, shift_s: float = 600.0, shard: tuple[int, int] = (1, 1), port: int = 0) -> str:
        file = self.bench.folder / "keelwatch.yaml"
        args: JsonObject = arguments(file, regions=[], port=port or self.port, shard=shard)
        return spawn(self.store, TABLE.kind("probe"), "watch", {**args, "shift_s": shift_s}, "shop", ENTRY)

    def metric(self, name: str, port: int = 0) -> Series:
        """Label values, in the order of the labels' names, to value; empty while nobody serves."""
        url = f"http://127.0.0.1:{port or self.port}/metrics"
        try:
            with urllib.request.urlopen(url, timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            return {}
        samples = [one for family in text_string_to_metric_families(text) for one in family.samples]
        return {
            tuple(one.labels[key] for key in sorted(one.labels)): one.value
            for one in samples
            if one.name == name
        }

    def count(self, journey: str, result: str = "pass") -> float:
        return self.metric(RUNS).get((journey, "west", result), -1.0)

    def executions(self, run: str) -> list[dict[str, Any]]:
        lines = (run_dir(run) / "stream.jsonl").read_text().splitlines()
        samples = [json.loads(line).get("sample", {}) for line in lines]
        return [one["execution"] for one in samples if "execution" in one]

    def said(self, run: str) -> list[str]:
        lines = (run_dir(run) / "stream.jsonl").read_text().splitlines()
        return [record["say"] for line in lines if "say" in (record := json.loads(line))]

    def signal(self, run: str, number: signal.Signals = signal.SIGTERM) -> None:
        mark = read_mark(run_dir(run) / "process.json")
        assert mark is not None
        assert mark.send(number)

    def ended(self, run: str) -> RunView:
        until(lambda: self._closed(run), f"the end of {run}")
        return view(self.store, run)

    def _closed(self, run: str) -> bool:
        has_verdict = any(True for _ in self.store.after(0, run=run, kinds=(FactKind.VERDICT,)))
        return has_verdict and not is_alive(run) and not has_guardian(run)

    def successor(self, run: str) -> str:
        notes = self.store.after(0, run=run, kinds=(FactKind.NOTE,))
        (found,) = [fact.body["to"] for fact in notes if fact.event == "handed-over"]
        return str(found)

    def exit_code(self, run: str) -> object:
        """Of the last closing: a guardian tries once more, and closes again."""
        return list(self.store.after(0, run=run, kinds=(FactKind.VERDICT,)))[-1].body["exit"]


@pytest.fixture
def watched(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Iterator[Watched]:
    monkeypatch.setenv("SHOP_PASSWORD", bench.shop.password)
    monkeypatch.setenv("PYTHONPATH", bench.environment["PYTHONPATH"])
    store = open_ledger()
    yield Watched(bench, store, free_port())
    store.close()
