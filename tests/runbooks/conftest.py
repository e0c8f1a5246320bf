"""A shop of small files, and runbooks carried out in it by real runs."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from keelwatch.ledger import FactKind, JsonObject, SqliteLedger, open_ledger
from keelwatch.runs import Phase, ProcessTable, Question, RunView, answer, resume, spawn, view
from keelwatch.runs.mark import kill_marked, read_mark
from keelwatch.workspace import run_dir
from keelwatch.workspace.estate import find_estate
from runbooks.choose import with_defaults
from runbooks.conduct.follow import progress_of
from runbooks.conduct.order import Order
from runbooks.conduct.plan import Plan, plan_of
from runbooks.conduct.progress import Progress
from runbooks.load import examine
from runbooks.stages import Mode
from tests.runs.conftest import until
from tests.toys.procedure import ENTRY, TABLE
from tests.toys.world import effects, value

ROOT = Path(__file__).parents[2]
WORKSPACE = """
keelwatch: 1
environments:
  shop:
    prometheus: {url: "http://127.0.0.1:9"}
    regions: [west, east]
    policy: {roles: {"*": operator, second: approver}, drill_approvals: true}
"""


@dataclass
class Shop:
    """A workspace, its world of files, and the ledger of the runs in it. `table` and `entry` are whose verbs
    its runs act by."""

    folder: Path
    ledger: SqliteLedger
    table: ProcessTable = TABLE
    entry: str = ENTRY

    @property
    def world(self) -> Path:
        return self.folder / "world"

    @property
    def effects(self) -> list[str]:
        """`verb target value` of each that landed, in order."""
        return effects(self.world)

    def value(self, target: str) -> str:
        return value(self.world, target)

    def put(self, target: str, word: str) -> None:
        (self.world / target).write_text(word)

    def write(self, steps: str, head: str = "") -> None:
        """The runbook of this shop: `steps` as YAML, indented by two."""
        (self.folder / "one.yaml").write_text(
            "runbook: one\ntitle: Something is done\nowner: team\nlock: all\n"
            "inputs: {from: {type: region, default: west}, to: {type: region, default: east}}\n"
            f"{head}steps:\n{steps}"
        )

    def planned(self, mode: Mode = Mode.GRACEFUL) -> tuple[Order, Plan]:
        (found,), problems = examine([self.folder / "one.yaml"])
        assert problems == []
        spec = found.runbook.spec
        text = (self.folder / "one.yaml").read_text()
        file = self.folder / "keelwatch.yaml"
        order = Order(file, "shop", "", "one", text, with_defaults(spec, {}), mode, "")
        plan = plan_of(order, spec, find_estate(file, "shop"), self.table.verbs)
        return order.for_plan(plan.sha, spec.lock), plan

    def start(self, mode: Mode = Mode.GRACEFUL, plan_sha: str = "", crash_at: str = "") -> str:
        """`crash_at`: kill the run, once, when it gets there: `VERB:plan`, `:before` or `:after`."""
        order, plan = self.planned(mode)
        if crash_at:
            self.crash_at(crash_at)
        if plan_sha:
            order = order.for_plan(plan_sha, order.lock)
        args: JsonObject = {**order.as_args(), "plan": plan.as_json()}
        return spawn(self.ledger, self.table.kind("runbook"), "one", args, "shop", self.entry)

    def view(self, run: str) -> RunView:
        return view(self.ledger, run)

    def progress(self, run: str) -> Progress:
        return progress_of(self.ledger, run)[1]

    def end(self, run: str) -> RunView:
        """How it stands once its process is gone."""
        until(lambda: self.view(run).pid is None and self.view(run).phase is not Phase.RUNNING, 20, "its end")
        return self.view(run)

    def question(self, run: str) -> Question:
        until(lambda: self.view(run).state.question is not None, 20, "a question")
        found = self.view(run).state.question
        assert found is not None
        return found

    def answer(self, run: str, choice: str, note: str = "") -> None:
        self.question(run)
        answer(self.ledger, run, choice, note)

    def resume(self, run: str) -> None:
        resume(self.ledger, run)

    def kill(self, run: str, number: signal.Signals = signal.SIGKILL) -> None:
        mark = read_mark(run_dir(run) / "process.json")
        assert mark is not None
        assert mark.send(number)

    def crash_at(self, point: str) -> None:
        """Kill the one run there is, once, when it gets there."""
        order = {"point": point, "runs": str(self.folder / "state" / "runs")}
        (self.world / "crash.json").write_text(json.dumps({**order, "signal": "SIGKILL", "victims": ["run"]}))

    def events(self, run: str, name: str) -> list[JsonObject]:
        return [
            fact.body for fact in self.ledger.after(0, run=run, kinds=(FactKind.NOTE,)) if fact.event == name
        ]


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Shop]:
    (tmp_path / "world").mkdir()
    (tmp_path / "keelwatch.yaml").write_text(WORKSPACE)
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ledger = open_ledger()
    yield Shop(tmp_path, ledger)
    ledger.close()
    kill_marked("KEELWATCH_STATE", str(tmp_path / "state"))  # whoever still asks has nobody left to answer
