"""All verbs of the room: found by name, found anew in any process, undone by verbs that exist."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from keelwatch.adapters.verbs import VERBS
from keelwatch.runs import EffectClass
from keelwatch.workspace import Answer, SourceError, UsageError
from tests.adapters.estate import written

ARGS: dict[str, dict[str, object]] = {
    "edge.weight": {"weights": {"west": 0, "east": 100}},
    "edge.drain": {"region": "west"},
    "edge.ready": {"region": "west"},
    "pg.lag": {"region": "east"},
    "pg.fence": {"region": "west"},
    "pg.unfence": {"region": "west"},
    "pg.promote": {"region": "east"},
    "pg.rejoin": {"region": "west"},
    "redis.promote": {"region": "east"},
    "redis.follow": {"region": "west", "host": "127.0.0.1", "port": 9},
    "redis.rejoin": {"region": "west"},
}
ELSEWHERE: dict[str, dict[str, object]] = {
    "http.call": {"url": "/v2/credit"},
    "sessions.revoke": {},
    "flag.set": {"flag": "maintenance", "to": True},
    "shell": {"command": ["true"]},
    "fault.set": {"fault": "billing.errors", "value": "100%", "for_s": 5},
    "fault.clear": {"fault": "billing.errors"},
    "process.kill": {"process": "west-1"},
    "process.up": {"process": "west-1"},
    "process.hang": {"process": "west-1", "for_s": 5},
    "process.wake": {"process": "west-1", "pid": 1, "start_ticks": 1, "mark": "a1"},
}
"""Those that act on other things than an edge, a database or a cache."""
EFFECTS = {
    "edge.weight": EffectClass.DESIRED_STATE,
    "pg.fence": EffectClass.CHECKABLE,
    "pg.promote": EffectClass.CONDITIONAL,
    "http.call": EffectClass.KEYED,
    "sessions.revoke": EffectClass.DESIRED_STATE,
    "flag.set": EffectClass.DESIRED_STATE,
    "fault.set": EffectClass.DESIRED_STATE,
    "fault.clear": EffectClass.DESIRED_STATE,
    "process.kill": EffectClass.DESIRED_STATE,
    "process.hang": EffectClass.DESIRED_STATE,
    "shell": EffectClass.OPAQUE,
}
NOBODY = {"west": {"host": "127.0.0.1", "port": 9}, "east": {"host": "127.0.0.1", "port": 9}}


def test_every_verb_is_in_the_table_under_its_name() -> None:
    assert set(VERBS) == set(ARGS) | set(ELSEWHERE)
    assert all(verb.name == name for name, verb in VERBS.items())
    assert {name: VERBS[name].effect for name in EFFECTS} == EFFECTS


def test_the_processes_of_runs_know_every_verb() -> None:
    from console.processes import TABLE

    assert all(TABLE.verb(name) is verb for name, verb in VERBS.items())


@pytest.mark.parametrize("name", sorted(ARGS))
def test_what_cannot_be_asked_is_unknown_and_gives_no_access(name: str, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("made-up-secret")
    servers = {"west": ["west-1"], "east": ["east-1"]}
    estate = written(
        tmp_path,
        edge={"socket": "none.sock", "backend": "portal", "servers": servers},
        database={"user": "postgres", "password": "file:secret", "regions": NOBODY},
        cache={"regions": NOBODY},
    )

    args = estate.args(**ARGS[name])

    assert VERBS[name].check(args).answer is Answer.UNKNOWN
    with pytest.raises(SourceError):
        VERBS[name].access(args)


@pytest.mark.parametrize("name", sorted(ARGS))
def test_where_an_environment_lacks_the_part_it_is_said(name: str, tmp_path: Path) -> None:
    estate = written(tmp_path)

    with pytest.raises(UsageError, match=r"here has no (edge|database|cache)"):
        VERBS[name].plan(estate.args(**ARGS[name]))
    assert VERBS[name].check(estate.args(**ARGS[name])).answer is Answer.UNKNOWN


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("http.call", "here has no portal"),
        ("sessions.revoke", "here is no sandbox, and sessions.revoke knows no other portal"),
        ("flag.set", "here is no sandbox, and flag.set knows no other portal"),
    ],
)
def test_where_there_is_no_such_portal_nothing_is_planned(name: str, words: str, tmp_path: Path) -> None:
    args = written(tmp_path).args(**ELSEWHERE[name])

    for ask in (VERBS[name].plan, VERBS[name].access):
        with pytest.raises(UsageError, match=words) as refused:
            ask(args)
        assert "portal" in refused.value.hint
    assert VERBS[name].check(args).answer is Answer.UNKNOWN


def test_guardians_load_no_client_until_one_is_needed() -> None:
    heavy = ("httpx", "psycopg", "redis", "pydantic")
    code = f"import console.processes, sys; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
