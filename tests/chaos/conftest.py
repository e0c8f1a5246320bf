"""A laboratory of small files, and experiments carried out in it by the real Chaos Toolkit in real runs."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from chaos.load import Experiment, variables_of
from chaos.order import Order
from chaos.plan import Planned, plan_of
from keelwatch.ledger import Fact, FactKind, JsonObject, SqliteLedger, open_ledger
from keelwatch.runs import RunView, Verdict, spawn, stop, view
from keelwatch.runs.mark import kill_marked, marked, read_mark
from keelwatch.runs.state import has_guardian, is_alive
from keelwatch.workspace import run_dir
from keelwatch.workspace.find import built_in
from keelwatch.workspace.workspace import Workspace, load_workspace
from tests.runs.conftest import until
from tests.toys.experiments import ENTRY, TABLE
from tests.toys.world import effects, value

ROOT = Path(__file__).parents[2]
WORKSPACE = """
keelwatch: 1
environments:
  lab:
    prometheus: {url: "http://127.0.0.1:9"}
    regions: [west, east]
"""

type Activity = dict[str, object]


@dataclass
class Lab:
    """A workspace, its world of files, and the ledger of the experiments in it."""

    folder: Path
    ledger: SqliteLedger

    @property
    def world(self) -> Path:
        return self.folder / "world"

    @property
    def effects(self) -> list[str]:
        return effects(self.world)

    def value(self, target: str) -> str:
        return value(self.world, target)

    def set(self, target: str, to: str, verb: str = "toy.set") -> Activity:
        """An action of ours."""
        arguments = {"verb": verb, "arguments": {"world": str(self.world), "target": target, "value": to}}
        return self.call("chaos.actions", "act", f"{target} {to}", arguments)

    def call(
        self,
        module: str,
        func: str,
        name: str,
        arguments: Mapping[str, object] | None = None,
        kind: str = "action",
    ) -> Activity:
        provider = {"type": "python", "module": module, "func": func, "arguments": arguments or {}}
        return {"type": kind, "name": name, "provider": provider}

    def wait(self, for_: str) -> Activity:
        return self.call("chaos.actions", "wait", f"wait {for_}", {"for_": for_})

    def is_(self, target: str, wanted: str) -> Activity:
        """A probe of the hypothesis: a file of the world holds a word."""
        arguments = {"path": str(self.world / target)}
        probe = self.call("beside", "read", f"{target} is {wanted}", arguments, "probe")
        return {**probe, "tolerance": wanted}

    def experiment(
        self,
        method: Sequence[Activity],
        hypothesis: Sequence[Activity] = (),
        rollbacks: Sequence[Activity] = (),
        **more: object,
    ) -> dict[str, object]:
        found: dict[str, object] = {"title": "something breaks", "description": "on purpose", **more}
        if hypothesis:
            found["steady-state-hypothesis"] = {"title": "all is well", "probes": list(hypothesis)}
        return {**found, "method": list(method), "rollbacks": list(rollbacks)}

    def start(
        self, experiment: dict[str, object], extension: JsonObject | None = None, load: str = ""
    ) -> str:
        order = self.order(experiment, extension, load)
        return spawn(self.ledger, TABLE.kind("chaos"), "one", order.as_args(), "lab", ENTRY)

    def plan(self, experiment: dict[str, object]) -> Sequence[Planned]:
        """Of a dry run."""
        found = Experiment(self.folder / "one.json", json.loads(json.dumps(experiment)), None)
        return plan_of(found, self.order(experiment), TABLE.verbs, ["west", "east"])

    def order(
        self, experiment: dict[str, object], extension: JsonObject | None = None, load: str = ""
    ) -> Order:
        return Order(
            workspace=self.folder / "keelwatch.yaml",
            environment="lab",
            sandbox="",
            name="one",
            title=str(experiment["title"]),
            text=json.dumps(experiment),
            suffix=".json",
            folder=self.folder,
            extension=extension or {},
            load=load,
        )

    def start_file(self, experiment: Experiment) -> str:
        order = Order(
            workspace=self.folder / "keelwatch.yaml",
            environment="lab",
            sandbox="",
            name=experiment.name,
            title=experiment.title,
            text=experiment.file.read_text(),
            suffix=experiment.file.suffix,
            folder=experiment.file.parent,
            extension=experiment.own,
            variables=variables_of(experiment.data),
        )
        return spawn(self.ledger, TABLE.kind("chaos"), order.name, order.as_args(), "lab", ENTRY)

    def run(self, experiment: dict[str, object]) -> Verdict:
        return self.end(self.start(experiment))

    def end(self, run: str, within_s: float = 30.0) -> Verdict:
        """What came of it, once neither the run nor its guardian is there."""
        until(lambda: not is_alive(run) and not has_guardian(run), within_s, f"the end of {run}")
        verdict = self.view(run).state.verdict
        assert verdict is not None, (run_dir(run) / "log").read_text()
        return verdict

    def view(self, run: str) -> RunView:
        return view(self.ledger, run)

    def facts(self, run: str, *kinds: FactKind) -> list[Fact]:
        return list(self.ledger.after(0, run=run, kinds=kinds))

    def stop(self, run: str) -> None:
        stop(run, "enough")

    def kill(self, run: str, who: str = "process", number: signal.Signals = signal.SIGKILL) -> None:
        mark = read_mark(run_dir(run) / f"{who}.json")
        assert mark is not None
        assert mark.send(number)

    def tools(self, run: str) -> list[int]:
        """The pids of Chaos Toolkit's process: one, or none."""
        return [pid for pid in marked("KEELWATCH_EXPERIMENT", str(run_dir(run))) if _is_tool(pid)]

    def tool(self, run: str) -> int:
        until(lambda: bool(self.tools(run)), 10, "the process of Chaos Toolkit")
        return self.tools(run)[0]

    def until_value(self, target: str, wanted: str, within_s: float = 20.0) -> None:
        until(lambda: self.value(target) == wanted, within_s, f"{target} = {wanted!r}")


def _is_tool(pid: int) -> bool:
    try:
        return b"chaos.worker" in (Path("/proc") / str(pid) / "cmdline").read_bytes()
    except OSError:  # it has just ended
        return False


BESIDE = '''
"""A module that stands beside an experiment."""
import pathlib, time

def read(path):
    return pathlib.Path(path).read_text()

def write(path, text):
    pathlib.Path(path).write_text(text)

def asked(world):
    """Says when it is asked first, and when it is asked again; takes a moment to answer."""
    first = pathlib.Path(world, "before")
    (pathlib.Path(world, "after") if first.exists() else first).write_text("asked")
    time.sleep(0.2)
    return True

def fail():
    raise RuntimeError("it does not work")

def hang():
    time.sleep(600)

def before_activity_control(context, **others):
    if context["type"] == "action":
        raise KeyError("approval")

def before_rollback_control(context, **others):
    raise KeyError("approval")
'''


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    (tmp_path / "world").mkdir()
    for target in ("billing", "cache"):
        (tmp_path / "world" / target).write_text("up")
    (tmp_path / "keelwatch.yaml").write_text(WORKSPACE)
    (tmp_path / "beside.py").write_text(BESIDE)
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path / "state"))
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    ledger = open_ledger()
    yield Lab(tmp_path, ledger)
    ledger.close()
    kill_marked("KEELWATCH_STATE", str(tmp_path / "state"))


@pytest.fixture
def around() -> Workspace:
    """The built-in workspace."""
    return load_workspace(built_in())
