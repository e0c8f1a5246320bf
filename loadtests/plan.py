"""What a generator's process is told, in one file of the run's folder. Holds no secret."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from keelwatch.ledger import JsonObject
from keelwatch.ledger.fact import canonical
from keelwatch.workspace.errors import SourceError
from loadtests.arrivals import Stage

VARIABLE = "KEELWATCH_LOAD_PLAN"
"""In the environment of a generator: the path of its plan."""

type Host = tuple[str, str, int]


@dataclass(frozen=True, slots=True)
class Plan:
    """`folder` is the run's, where its bridge is; `hosts` are the (scheme, host, port) that may be asked,
    `host` the base URL that customers use. `journeys` are names with weights, none with a `locustfile`;
    `seed` makes a schedule of arrivals the same again; `accounts` of `pool` may be used, and no others."""

    folder: str
    workspace: str
    environment: str
    sandbox: str
    profile: str
    model: str
    arrivals: str
    stages: tuple[Stage, ...]
    seed: int
    most_in_flight: int
    processes: int
    journeys: tuple[tuple[str, int], ...]
    pool: str
    accounts: tuple[str, ...]
    locustfile: str
    host: str
    hosts: tuple[Host, ...]

    @property
    def is_open(self) -> bool:
        return self.model == "open"


def write_plan(path: Path, plan: Plan) -> None:
    """Raises `SourceError`."""
    fields: JsonObject = {name: getattr(plan, name) for name in plan.__slots__ if name != "stages"}
    stages = [[one.begin, one.end, one.for_s] for one in plan.stages]
    try:
        path.write_text(canonical({**fields, "stages": stages}))
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror}", "free some space") from None


def read_plan(path: Path) -> Plan:
    """Raises `SourceError` when it is no plan."""
    try:
        found: dict[str, Any] = json.loads(path.read_text())
        return Plan(
            **{
                **found,
                "stages": tuple(Stage(*one) for one in found["stages"]),
                "journeys": tuple((name, weight) for name, weight in found["journeys"]),
                "accounts": tuple(found["accounts"]),
                "hosts": tuple((scheme, host, port) for scheme, host, port in found["hosts"]),
            }
        )
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise SourceError(f"{path} is no plan of a load: {error}") from None
