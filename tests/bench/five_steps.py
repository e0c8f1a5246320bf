"""The five-step journey (login, invoices, plan change, audit, undo) as each tool writes it, and its world."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from keelwatch.runs.mark import kill_marked
from probes.record import Execution
from probes.record_json import execution_of
from probes.watch import in_shard
from tests.bench.truth_portal import PASSWORD
from tests.bench.truth_server import Truth

ROOT = Path(__file__).parents[2]
JOURNEY = "five-steps"
SHARDS = 2  # a worker process has 16 journeys in flight at most
IN_FLIGHT = 20

JOURNEY_FILE = f"""\
journey: {JOURNEY}
title: A customer looks at invoices and changes the plan; it is audited, and taken back
component: accounts
as: {{pool: customers}}
schedule: {{every: 100ms}}
overlap: queue
steps:
  - login: {{flow: json}}
  - name: invoices
    get: /invoices
    capture: {{old_plan: {{json: "invoices[0].plan"}}}}
  - name: change the plan
    put: /plan
    body: {{plan: {{pick: [basic, plus], not: $old_plan}}}}
    expect: {{json: {{plan: {{not: $old_plan}}}}}}
    capture: {{new_plan: {{json: plan}}}}
    undo:
      put: /plan
      body: {{plan: $old_plan}}
      verify: {{get: /plan, expect: {{json: {{plan: $old_plan}}}}}}
  - name: it is audited once
    get: /audit
    expect: {{json: {{"length(entries)": 1, "entries[0].after": $new_plan}}}}
"""

TAVERN_STAGES = """\
test_name: five steps, {number}
stages:
  - name: login
    request:
      url: "{url}/v1/login"
      method: POST
      json: {{account: tavern-{number}, password: "{password}"}}
    response: {{status_code: 200, save: {{json: {{token: token}}}}}}
  - name: invoices
    request: {{url: "{url}/invoices", headers: &bearer{number} {{Authorization: "Bearer {{token}}"}}}}
    response: {{status_code: 200, save: {{json: {{old_plan: "invoices[0].plan"}}}}}}
  - name: change the plan
    request: {{url: "{url}/plan", method: PUT, json: {{plan: plus}}, headers: *bearer{number}}}
    response: {{status_code: 200, json: {{plan: plus}}, save: {{json: {{new_plan: plan}}}}}}
  - name: it is audited once
    request: {{url: "{url}/audit", headers: *bearer{number}}}
    response: {{status_code: 200, json: {{entries: [{{action: plan.changed, after: "{{new_plan}}"}}]}}}}
finally:
  - name: undo
    request: {{url: "{url}/plan", method: PUT, json: {{plan: "{{old_plan}}"}}, headers: *bearer{number}}}
    response: {{status_code: 200}}
  - name: the plan is back
    request: {{url: "{url}/plan", headers: *bearer{number}}}
    response: {{status_code: 200, json: {{plan: "{{old_plan}}"}}}}
"""


def tavern_file(truth: Truth, count: int) -> str:
    """The same requests with the same checks, `count` journeys of them."""
    documents = (
        TAVERN_STAGES.format(number=number, url=truth.url, password=PASSWORD) for number in range(count)
    )
    return "---\n".join(documents)


def _places() -> list[str]:
    """Names of regions, as many for each shard."""
    found: list[str] = []
    for part in range(1, SHARDS + 1):
        names = (f"place-{number:03d}" for number in range(1000))
        mine = [name for name in names if in_shard(f"{JOURNEY} ({name})", part, SHARDS)]
        found += mine[: IN_FLIGHT // SHARDS]
    return found


@dataclass(frozen=True, slots=True)
class World:
    """A workspace on a truth server, with a state of its own: one journey in 20 places, each with its own
    customer."""

    folder: Path
    state: Path
    place: str

    @property
    def environment(self) -> dict[str, str]:
        kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
        return {
            **kept,  # what is installed is compiled, and what it reads is found
            "KEELWATCH_STATE": str(self.state),
            "BENCH_PASSWORD": PASSWORD,
            "PYTHONPATH": str(ROOT),
            "LANG": "C.UTF-8",
        }

    def command(self, *words: str) -> list[str]:
        keelwatch = str(Path(sys.executable).parent / "keelwatch")
        return [sys.executable, keelwatch, "--workspace", str(self.folder), *words]

    def run(self, *words: str) -> str:
        """Standard output of the command line, whose run must end well."""
        done = subprocess.run(
            self.command(*words), env=self.environment, capture_output=True, text=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)} ended with {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout

    @contextmanager
    def watching(self) -> Iterator[list[Path]]:
        """`probe watch` in two shards, 20 journeys in flight; gives the streams of both."""
        shards = [f"{part}/{SHARDS}" for part in range(1, SHARDS + 1)]
        watch = ("probe", "watch", "--detach", "--port")
        ids = [self.run(*watch, str(_free_port()), "--shard", shard).strip() for shard in shards]
        try:
            yield [self.state / "runs" / run / "stream.jsonl" for run in ids]
        finally:
            for run in ids:
                self.run("stop", run)


@dataclass(frozen=True, slots=True)
class Done:
    """An execution, and when it was over (Unix s)."""

    execution: Execution
    at: float


def done(streams: Sequence[Path]) -> list[Done]:
    """All that ended before the stop. Raises `RuntimeError` when one did not pass: it measures nothing."""
    records = [json.loads(line) for stream in streams for line in stream.read_text().splitlines()]
    found = [
        Done(execution_of(record["sample"]["execution"]), record["at"])
        for record in records
        if "execution" in record.get("sample", {})
    ]
    kept = [one for one in found if not one.execution.reason.startswith("stopped")]
    bad = [one.execution.reason for one in kept if one.execution.result != "pass"]
    if bad or not kept:
        raise RuntimeError(f"{len(bad)} of {len(kept)} journeys did not pass: {', '.join(bad[:3])}")
    return kept


@contextmanager
def world(scratch: Path, truth: Truth) -> Iterator[World]:
    folder, places = scratch / "workspace", _places()
    accounts = "".join(
        f'        - {{name: "{place}", region: "{place}", password: "env:BENCH_PASSWORD"}}\n'
        for place in places
    )
    (folder / "probes").mkdir(parents=True)
    (folder / "probes" / f"{JOURNEY}.yaml").write_text(JOURNEY_FILE)
    (folder / "keelwatch.yaml").write_text(
        "keelwatch: 1\n"
        "environments:\n"
        "  bench:\n"
        '    prometheus: {url: "http://127.0.0.1:9"}\n'
        f"    regions: [{', '.join(places)}]\n"
        f'    portal: {{url: "{truth.url}", ca: "{truth.ca}"}}\n'
        f"    accounts:\n      customers:\n{accounts}"
        "components:\n  accounts: {owner: team-accounts, tier: 1}\n"
    )
    state = scratch / "state"
    try:
        yield World(folder, state, places[0])
    finally:
        kill_marked("KEELWATCH_STATE", str(state))


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port
