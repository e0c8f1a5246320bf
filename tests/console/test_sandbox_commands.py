"""`sandbox`, `demo`, `audit` and `schema`, as a user types them, on sandboxes of their own."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from console.commands.demo import SCENARIOS, quiet_s
from keelwatch.ledger import FactKind, open_ledger
from keelwatch.runs.state import is_alive
from keelwatch.sandbox.lifecycle import mark_of
from keelwatch.sandbox.processes import Process, marked, with_descendants
from tests.console.test_on_the_sandbox import KEELWATCH, keelwatch
from tests.sandbox.waiting import until

type Json = dict[str, Json] | list[Json] | str | int | float | bool | None

TYPES = {"object", "array", "string", "number", "integer", "boolean", "null"}


def nodes(schema: Json) -> Iterator[dict[str, Json]]:
    """Every mapping in a schema, itself included."""
    if isinstance(schema, dict):
        yield schema
    inner = schema.values() if isinstance(schema, dict) else schema if isinstance(schema, list) else ()
    for one in inner:
        yield from nodes(one)


@pytest.mark.parametrize(
    ("kind", "described"),
    [("workspace", {"prometheus", "stale_after"}), ("slo", {"target", "duration", "service"})],
)
def test_a_schema_is_whole_and_says_what_each_key_is_for(kind: str, described: set[str]) -> None:
    done = keelwatch("schema", kind)
    schema = json.loads(done.stdout)

    assert done.returncode == 0
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["title"] == f"Keelwatch {kind}"
    assert schema.get("type") == "object" or {"$ref"} == {key for one in schema["oneOf"] for key in one}
    found: dict[str, str] = {}
    for node in nodes(schema):
        if isinstance(reference := node.get("$ref"), str):
            assert reference.removeprefix("#/$defs/") in schema["$defs"]
        if isinstance(kept := node.get("type"), str):
            assert kept in TYPES
        if isinstance(pattern := node.get("pattern"), str):
            re.compile(pattern)
        if isinstance(properties := node.get("properties"), dict) and "type" in node:
            required = node.get("required", [])
            assert isinstance(required, list)
            assert set(map(str, required)) <= properties.keys()
            assert node.get("additionalProperties") is False or "is not read" in str(node["description"])
            found |= {
                name: str(one["description"])
                for name, one in properties.items()
                if isinstance(one, dict) and "description" in one
            }
    assert described <= found.keys()
    assert all(found.values())


def test_a_schema_tells_the_range_of_a_target() -> None:
    schema = json.loads(keelwatch("schema", "slo").stdout)
    target = schema["$defs"]["ObjectiveSpec"]["properties"]["target"]
    number = next(one for one in target["anyOf"] if one["type"] == "number")

    assert (number["exclusiveMinimum"], number["exclusiveMaximum"]) == (0, 1)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state folder of its own with a ledger of five facts."""
    folder = tmp_path / "state"
    folder.mkdir(mode=0o700)
    monkeypatch.setenv("KEELWATCH_STATE", str(folder))
    with closing(open_ledger()) as store:
        for number in range(5):
            store.append("r", FactKind.NOTE, {"event": "said", "words": f"fact-{number}"}, actor="7:ada")
    return folder


def test_an_anchor_verifies_and_the_ledger_may_grow_after_it(state: Path) -> None:
    anchor = keelwatch("audit", "anchor").stdout.strip()
    assert re.fullmatch(r"5:[0-9a-f]{64}", anchor)
    told = json.loads(keelwatch("audit", "anchor", "--json").stdout)
    assert told | {"at": 0} == {
        "schema": "keelwatch/audit-anchor/1", "at": 0, "environment": None,
        "anchor": anchor, "seq": 5, "hash": anchor[2:],
    }  # fmt: skip
    with closing(open_ledger()) as store:
        store.append("r", FactKind.NOTE, {"event": "said", "words": "later"}, actor="7:ada")

    done = keelwatch("audit", "verify", "--anchor", anchor, "--json")
    document = json.loads(done.stdout)

    assert done.returncode == 0
    assert (document["schema"], document["facts"]) == ("keelwatch/audit-verify/1", 6)
    assert (document["anchored"], document["flaw"]) == (True, None)
    for nonsense in ("5:nonsense", f"²:{anchor[2:]}"):
        assert keelwatch("audit", "verify", "--anchor", nonsense).returncode == 2


def test_a_cut_tail_shows_against_an_anchor_alone(state: Path, tmp_path: Path) -> None:
    anchor = keelwatch("audit", "anchor").stdout.strip()
    cut = tmp_path / "cut"
    cut.mkdir(mode=0o700)
    with (
        closing(sqlite3.connect(state / "ledger.sqlite")) as whole,
        closing(sqlite3.connect(cut / "ledger.sqlite")) as copy,
    ):
        whole.backup(copy)
        for (name,) in copy.execute("SELECT name FROM sqlite_schema WHERE type = 'trigger'").fetchall():
            copy.execute(f"DROP TRIGGER {name}")
        assert copy.execute("DELETE FROM events WHERE seq = 5").rowcount == 1
        copy.commit()

    alone = keelwatch("audit", "verify", KEELWATCH_STATE=str(cut))
    against = keelwatch("audit", "verify", "--anchor", anchor, KEELWATCH_STATE=str(cut))

    assert (alone.returncode, alone.stdout.split()[0]) == (0, "4")
    assert "keelwatch audit anchor" in alone.stderr
    assert against.returncode == 1
    assert against.stdout.startswith("BROKEN at fact ")
    assert keelwatch("audit", "verify", "--anchor", anchor).returncode == 0


def test_a_redacted_fact_is_gone_told_and_the_chain_holds(state: Path) -> None:
    anchor = keelwatch("audit", "anchor").stdout.strip()
    done = keelwatch("audit", "redact", "3", "--reason", "a name slipped in")

    assert done.returncode == 0
    assert re.match(r"fact 3 redacted at \S+Z by .+; recorded as fact 6", done.stdout), done.stdout
    assert keelwatch("audit", "verify", "--anchor", anchor).returncode == 0
    with closing(open_ledger()) as store:
        facts = {event.seq: str(event) for event in store.events()}
    assert "fact-2" not in "".join(facts.values())
    assert "a name slipped in" in facts[6]
    assert keelwatch("audit", "redact", "99", "--reason", "x").returncode == 2

    told = json.loads(keelwatch("audit", "redact", "4", "--reason", "another", "--json").stdout)
    assert (told["schema"], told["seq"], told["recorded_as"]) == ("keelwatch/audit-redact/1", 4, 7)
    assert (told["reason"], told["salted"]) == ("another", True)


def processes_of(name: str) -> list[Process]:
    return marked(mark_of(name))


def pids(document: Json) -> set[int]:
    assert isinstance(document, dict)
    servers = document["servers"]
    assert isinstance(servers, list)
    return {int(str(one["pid"])) for one in servers if isinstance(one, dict) and one["pid"] is not None}


def watchers_of(name: str) -> list[str]:
    """The states of the living runs that watch the journeys of a sandbox."""
    found = json.loads(keelwatch("runs", "--json").stdout)["runs"]
    return [one["state"] for one in found if one["name"] == f"watch {name}" and one["pid"] is not None]


def faults_in_json(name: tuple[str, str]) -> None:
    """Set, listed and cleared: one shape."""
    ways = {
        "set": ("billing.latency", "200ms", "--region", "east", "--for", "60s"),
        "list": ("list",),
        "clear": ("clear",),
    }
    for deed, words in ways.items():
        done = keelwatch("sandbox", "fault", *words, "--json", *name)
        document = json.loads(done.stdout)
        (fault,) = document["faults"]
        assert (done.returncode, document["schema"]) == (0, "keelwatch/sandbox-fault/1")
        assert (document["deed"], document["environment"]) == (deed, "sandbox")
        assert (fault["target"], fault["region"], fault["share"]) == ("billing.latency", "east", None)
        assert fault["latency_s"] == 0.2
        assert 0 < fault["ends_in_s"] <= 60
    empty = json.loads(keelwatch("sandbox", "fault", "list", "--json", *name).stdout)
    assert (empty["deed"], empty["faults"]) == ("list", [])


def flags_in_json(name: tuple[str, str]) -> None:
    """Set in one region, shown, and set back in all."""
    done = keelwatch("sandbox", "flag", "maintenance", "on", "--region", "east", "--json", *name)
    document = json.loads(done.stdout)
    assert (done.returncode, document["schema"]) == (0, "keelwatch/sandbox-flag/1")
    assert document["flags"]["maintenance"] == {"west": False, "east": True}
    assert "maintenance       west off, east on" in keelwatch("sandbox", "flag", *name).stdout
    for words in (("new-look", "on"), ("maintenance",), ("maintenance", "on", "--region", "north")):
        assert keelwatch("sandbox", "flag", *words, *name).returncode == 2
    back = keelwatch("sandbox", "flag", "maintenance", "off", *name)
    assert "maintenance       west off, east off" in back.stdout


def test_an_up_that_is_terminated_takes_down_what_had_started(own_sandbox: str) -> None:
    starting = subprocess.Popen(
        [KEELWATCH, "sandbox", "up", "--name", own_sandbox], stderr=subprocess.PIPE, text=True
    )
    assert starting.stderr is not None
    assert "ready after" in starting.stderr.readline()
    assert marked(mark_of(own_sandbox)) != []
    starting.terminate()
    starting.communicate(timeout=60)
    assert starting.returncode == 7
    assert marked(mark_of(own_sandbox)) == []


def a_dead_watch_is_told_and_another_comes(name: tuple[str, str]) -> None:
    before = json.loads(keelwatch("sandbox", "status", "--json", *name).stdout)["watch"]
    assert before["state"] == "running"
    os.kill(before["pid"], signal.SIGKILL)
    until(lambda: not is_alive(before["run"]), 10)

    told = keelwatch("sandbox", "status", *name).stdout
    remedy = f"not running, the journeys are not watched: keelwatch sandbox up --name {name[1]}"
    assert remedy in told
    assert "(nobody answers there)" in told

    assert keelwatch("sandbox", "up", *name).returncode == 0
    after = json.loads(keelwatch("sandbox", "status", "--json", *name).stdout)["watch"]
    assert after["state"] == "running"
    assert after["run"] != before["run"]


@pytest.mark.deep
def test_up_twice_is_one_sandbox_and_down_leaves_no_process(own_sandbox: str) -> None:
    name = ("--name", own_sandbox)
    before = keelwatch("sandbox", "status", *name)
    assert before.returncode == 5
    assert "keelwatch sandbox up" in before.stderr
    assert before.stdout == ""
    assert keelwatch("sandbox", "status", "--json", *name).returncode == 5

    up = keelwatch("sandbox", "up", "--json", *name)
    raised = json.loads(up.stdout)
    assert (up.returncode, raised["schema"]) == (0, "keelwatch/sandbox-up/1")
    assert (raised["name"], raised["environment"]) == (own_sandbox, "sandbox")
    assert (raised["was_running"], raised["ready_after_s"] > 0) == (False, True)
    faults_in_json(name)
    a_dead_watch_is_told_and_another_comes(name)
    flags_in_json(name)
    first = json.loads(keelwatch("sandbox", "status", "--json", *name).stdout)
    again = keelwatch("sandbox", "up", *name)
    second = json.loads(keelwatch("sandbox", "status", "--json", *name).stdout)
    shown = keelwatch("sandbox", "status", *name)

    assert (first["schema"], first["name"]) == ("keelwatch/sandbox-status/1", own_sandbox)
    assert first["flags"]["maintenance"] == {"west": False, "east": False}
    assert "flag   self-registration west on, east on" in shown.stdout
    assert {one["state"] for one in first["servers"]} == {"ready"}
    assert again.returncode == 0
    assert "running already" in again.stderr
    assert pids(first) == pids(second)
    assert shown.stdout.startswith(f"sandbox {own_sandbox}: ")
    assert first["urls"]["edge"] in shown.stdout

    assert watchers_of(own_sandbox) == ["running"]

    everything = with_descendants(pids(first)) + processes_of(own_sandbox)
    assert len(everything) > 12
    down = keelwatch("sandbox", "down", "--json", *name)
    lowered = json.loads(down.stdout)
    assert (down.returncode, lowered["schema"]) == (0, "keelwatch/sandbox-down/1")
    assert (lowered["was_running"], lowered["down_after_s"] > 0) == (True, True)
    assert [process for process in everything if process.is_alive()] == []
    assert processes_of(own_sandbox) == []
    assert watchers_of(own_sandbox) == []
    assert keelwatch("sandbox", "status", *name).returncode == 5
    gone = keelwatch("sandbox", "down", *name)
    assert (gone.returncode, "was not running" in gone.stderr) == (0, True)


@pytest.fixture
def demo_state(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A short path, for sockets lie in it; whatever a failed demo left there is taken down."""
    folder = tmp_path_factory.mktemp("demo")
    folder.chmod(0o700)
    monkeypatch.setenv("KEELWATCH_STATE", str(folder))
    yield folder
    monkeypatch.setenv("KEELWATCH_STATE", str(folder))
    keelwatch("sandbox", "down", "--name", "main")


@pytest.mark.deep
def test_the_headless_demo_tells_its_story_and_leaves_nothing(demo_state: Path) -> None:
    done = keelwatch("demo", "--headless", "--scenario", "bad-deploy", "--for", "12s", "--json")
    document = json.loads(done.stdout)

    assert (document["schema"], document["environment"]) == ("keelwatch/demo/1", "sandbox")
    assert document["scenario"] == "bad-deploy"
    assert "bad-deploy: portal.errors 100% in west" in done.stderr
    assert 10 < document["watched_s"] < 32
    status = document["status"]
    assert status["schema"] == "keelwatch/status/1"
    assert len(status["objectives"]) >= 10
    codes = {"pass": 0, "pass: ticket": 0, "fail: page": 1, "inconclusive: unknown": 5}
    assert done.returncode == codes[status["verdict"]]
    assert "the sandbox main is down" in done.stderr
    assert processes_of("main") == []
    assert keelwatch("sandbox", "status").returncode == 5
    assert keelwatch("audit", "verify").returncode == 0


@pytest.mark.parametrize(("lasts_s", "quiet"), [(12.0, 0.0), (60.0, 0.0), (66.0, 4.0), (300.0, 10.0)])
def test_the_headless_demo_breaks_early_enough_to_page_in_its_time(lasts_s: float, quiet: float) -> None:
    assert quiet_s(lasts_s) == quiet
    _, value, _ = SCENARIOS["bad-deploy"]
    assert value == "100%"  # less would need longer than the default minute
