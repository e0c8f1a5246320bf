"""A workspace whose one environment is made of servers that a test has started."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.runs import Attempt, Verb
from keelwatch.runs.verb import Prediction

REGIONS = ("west", "east")


@dataclass(frozen=True)
class Estate:
    """`args` are what a verb is given; `attempt` is what a run would add."""

    file: Path
    secrets: list[str] = field(default_factory=list)

    def args(self, **more: object) -> JsonObject:
        return {"workspace": str(self.file), "environment": "here", **more}  # type: ignore[dict-item]

    def do(self, verb: Verb, number: int = 1, **more: object) -> JsonObject:
        """Plan it and do it, as a run does."""
        args = self.args(**more)
        return verb.do(args, attempt(verb.plan(args), number))


def attempt(prediction: Prediction, number: int = 1) -> Attempt:
    return Attempt("run/step/key", number, 1, prediction.before)


def written(folder: Path, **parts: object) -> Estate:
    """`parts`: the environment's edge, database and cache, as they stand in the file."""
    folder.mkdir(parents=True, exist_ok=True)
    environment = {"prometheus": {"url": "http://127.0.0.1:9"}, "regions": list(REGIONS), **parts}
    file = folder / "keelwatch.yaml"
    file.write_text(json.dumps({"keelwatch": 1, "environments": {"here": environment}}))
    return Estate(file)
