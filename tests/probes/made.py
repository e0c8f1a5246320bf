"""Answers, hops and journeys made up for tests of pure parts."""

from __future__ import annotations

import json
from pathlib import Path

from probes.answer import Answer
from probes.load import Written, examine
from probes.record import Execution, Hop, Result, StepRecord

HEAD = "journey: one\ntitle: Somebody does something\ncomponent: accounts\n"


def hop(**given: object) -> Hop:
    plain = {"method": "GET", "url": "https://shop.example/x", "status": 200, "phases": {"wait": 10.0}}
    return Hop(**(plain | given))  # type: ignore[arg-type]


def answer(
    body: object = "",
    status: int = 200,
    headers: dict[str, str] | None = None,
    hops: tuple[Hop, ...] | None = None,
) -> Answer:
    """A text or bytes as they are; anything else as JSON."""
    raw = (
        body
        if isinstance(body, bytes)
        else body.encode()
        if isinstance(body, str)
        else json.dumps(body).encode()
    )
    pairs = tuple((name.lower(), value) for name, value in (headers or {}).items())
    return Answer(status, pairs, raw, hops or (hop(status=status),))


def written(folder: Path, text: str, name: str = "one.yaml") -> Written:
    """The one journey of this text; it must be right."""
    file = folder / name
    file.write_text(text)
    (found,), problems = examine([file])
    assert problems == []
    return found


def complaints(folder: Path, text: str) -> list[str]:
    """`line:column: found ..., expected ...` of each problem of this text."""
    file = folder / "one.yaml"
    file.write_text(text)
    return [str(one).removeprefix(f"{file}:") for one in examine([file])[1]]


def execution(*steps: StepRecord, **given: object) -> Execution:
    plain: dict[str, object] = {
        "environment": "shop", "journey": "buy", "component": "accounts", "region": "west", "run": "r1",
        "id": "ab12", "account": "ada", "trace": "0" * 32, "started": 1_700_000_000.0, "took_s": 0.4,
        "result": Result.PASS, "reason": "", "cause": None, "failed_step": None, "steps": steps,
    }  # fmt: skip
    return Execution(**(plain | given))  # type: ignore[arg-type]
