"""One experiment, from the run's word to its end."""

from __future__ import annotations

import importlib
import json
import logging
import os
from pathlib import Path
from typing import Any

from chaoslib.control import get_controls
from chaoslib.exceptions import ChaosException
from chaoslib.experiment import ensure_experiment_is_valid, run_experiment
from chaoslib.loader import load_experiment
from chaoslib.types import Schedule, Strategy

from chaos.worker import commands, pausing
from chaos.worker.asking import Asking
from chaos.worker.handler import Handler
from chaos.worker.reading import beside
from chaos.worker.stopping import Stopping
from chaos.worker.supervise import Host, Supervisor
from chaos.worker.telling import Telling
from keelwatch.ledger.fact import canonical
from keelwatch.runs.bridge import Line
from keelwatch.runs.fields import number, text
from keelwatch.workspace.sink import narrate

SETTINGS = {"runtime": {"rollbacks": {"strategy": "always"}}}
"""In place of a file in somebody's home, which may add controls and keep rollbacks from being played."""


def carry_out(folder: Path) -> int:
    stopping = Stopping()
    stopping.listen()
    stopping.be_deaf()  # until Chaos Toolkit listens, and once it does not any more
    line = Line(folder)
    order = line.call({"do": "hello", "pid": os.getpid()})
    telling = Telling(line, folder)
    logging.getLogger("chaostoolkit").addHandler(_Narrating(level=logging.WARNING))
    hosts: set[Host] = {(str(one[0]), str(one[1]), int(one[2])) for one in _rows(order.get("hosts"))}
    supervisor = Supervisor(telling, stopping, hosts)
    asking = Asking()
    at_once = order.get("stop_at_deviation") is True
    handler = Handler(telling, stopping, supervisor, asking, stop_at_deviation=at_once)
    try:
        experiment = _loaded(Path(text(order, "file")))
    except Exception as error:  # noqa: BLE001 -- nothing has happened yet, and nothing will
        telling.tell("not-begun", reason=f"{type(error).__name__}: {error}")
        telling.close()
        return 3
    supervisor.install()
    asking.install()
    commands.install()
    pausing.install(stopping)
    journal = _run(experiment, handler, number(order, "every_s"), telling)
    _keep(folder / "journal.json", journal)
    telling.tell("ended", status=str(journal.get("status")), deviated=bool(journal.get("deviated")))
    telling.close()
    return 0


def _loaded(file: Path) -> dict[str, Any]:
    """Valid, and with every control there: one whose module is missing would be left out without a word."""
    beside(Path.cwd())
    experiment: dict[str, Any] = load_experiment(str(file))
    for control in get_controls(experiment):
        provider = control.get("provider") or {}
        if provider.get("type") == "python":
            importlib.import_module(str(provider.get("module")))
    ensure_experiment_is_valid(experiment)
    return experiment


def _run(experiment: dict[str, Any], handler: Handler, every_s: float, telling: Telling) -> dict[str, Any]:
    strategy = Strategy.CONTINUOUS if every_s else Strategy.DEFAULT
    try:
        journal: dict[str, Any] = run_experiment(
            experiment,
            settings=SETTINGS,
            strategy=strategy,
            schedule=Schedule(continuous_hypothesis_frequency=every_s or 1.0),
            event_handlers=[handler],
        )
    except KeyboardInterrupt:  # before anything began
        return {"status": "interrupted", "deviated": False}
    except ChaosException as error:
        telling.tell("not-begun", reason=str(error))
        return {"status": "aborted", "deviated": False}
    return journal


def _keep(file: Path, journal: dict[str, Any]) -> None:
    """Chaos Toolkit's own journal, for its other tools; masked like everything else."""
    try:
        plain = json.loads(json.dumps(journal, default=str))
        file.write_text(canonical(plain))
    except (OSError, ValueError) as error:
        narrate(f"the journal cannot be kept: {error}")


def _rows(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


class _Narrating(logging.Handler):
    """What Chaos Toolkit warns of, masked, in the run's log."""

    def emit(self, record: logging.LogRecord) -> None:
        narrate(f"chaostoolkit: {record.getMessage()}")
