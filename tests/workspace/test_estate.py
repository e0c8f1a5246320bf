"""What a failover acts on, from keelwatch.yaml or from a running sandbox."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from keelwatch.workspace import InputError, SourceError, UsageError, endpoints_path
from keelwatch.workspace.estate import Address, Estate, estate_of, find_estate
from keelwatch.workspace.find import built_in
from keelwatch.workspace.workspace import load_workspace

HEAD = """\
keelwatch: 1
environments:
  prod:
    prometheus: {url: "https://prometheus.example"}
    regions: [west, east]
"""
EDGE = "    edge: {socket: run/admin.sock, backend: portal, servers: {west: [west-1], east: [east-1]}}\n"
DATABASE = (
    "    database: {user: postgres, password: env:DB, name: portal, ca: ca.pem,"
    " regions: {west: {host: db.west, port: 5432}, east: {host: '::1', port: 5433}}}\n"
)
CACHE = "    cache: {password: file:redis, regions: {west: {host: cache.west, port: 6379}}}\n"
TOLD = {
    "edge": {"socket": "/run/edge.sock", "backend": "portal", "servers": {"west": ["west-1"]}},
    "database": {
        "user": "postgres",
        "password": "made-up-for-pg",
        "name": "portal",
        "regions": {"west": {"host": "127.0.0.1", "port": 17031}},
    },
    "cache": {"password": "made-up-for-redis", "regions": {"west": {"host": "127.0.0.1", "port": 17041}}},
}


def declared(folder: Path, *parts: str) -> Estate:
    (folder / "keelwatch.yaml").write_text(HEAD + "".join(parts))
    return find_estate(folder / "keelwatch.yaml", "prod")


def told(estate: object, **endpoints: object) -> None:
    """As a running sandbox writes it."""
    folder = endpoints_path("main").parent
    folder.mkdir(parents=True)
    (folder / "estate.json").write_text(json.dumps(estate))
    whole = {"estate_file": str(folder / "estate.json"), **endpoints}
    endpoints_path("main").write_text(json.dumps(whole))


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path / "state"))


def test_a_declared_estate_is_read_with_its_secrets_by_reference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "redis").write_text("made-up-for-redis\n")
    estate = declared(tmp_path, EDGE, DATABASE, CACHE)
    monkeypatch.setenv("DB", "made-up-for-pg")

    assert estate.the_edge().socket == tmp_path / "run" / "admin.sock"
    assert estate.the_edge().region("east") == ("east-1",)
    assert estate.the_database().region("west") == Address("db.west", 5432)
    assert str(estate.the_database().region("east")) == "[::1]:5433"
    assert estate.the_database().ca == tmp_path / "ca.pem"
    assert estate.the_database().password.reveal() == "made-up-for-pg"
    password = estate.the_cache().password
    assert password is not None
    assert password.reveal() == "made-up-for-redis"
    assert "made-up" not in repr(estate)


def test_a_secret_that_cannot_be_had_keeps_nobody_from_the_edge(tmp_path: Path) -> None:
    estate = declared(tmp_path, EDGE, DATABASE)

    assert estate.the_edge().backend == "portal"
    with pytest.raises(SourceError, match="env:DB"):
        _ = estate.the_database().password


def test_what_an_environment_lacks_is_named_with_the_key_to_add(tmp_path: Path) -> None:
    estate = declared(tmp_path, EDGE)

    with pytest.raises(UsageError, match="prod has no database") as failed:
        estate.the_database()
    assert "`database: ...`" in failed.value.hint
    with pytest.raises(UsageError, match="prod has no cache"):
        estate.the_cache()
    with pytest.raises(UsageError, match="the edge has no region 'nord'"):
        estate.the_edge().region("nord")


def test_a_running_sandbox_tells_its_own() -> None:
    told(TOLD)

    estate = find_estate(built_in(), "sandbox")

    assert estate.sandbox == "main"
    assert estate.the_edge().servers == {"west": ("west-1",)}
    assert estate.the_database().region("west").port == 17031
    assert estate.the_database().password.reveal() == "made-up-for-pg"
    assert "made-up" not in f"{estate!r} {estate}"


def test_another_sandbox_than_the_environments_can_be_named() -> None:
    told(TOLD)

    with pytest.raises(SourceError, match="the sandbox other is not running") as failed:
        find_estate(built_in(), "sandbox", "other")
    assert failed.value.hint == "keelwatch sandbox up"


@pytest.mark.parametrize(
    "estate",
    [
        pytest.param({}, id="nothing"),
        pytest.param([], id="a list"),
        pytest.param(TOLD | {"edge": {}}, id="an empty edge"),
        pytest.param(TOLD | {"edge": TOLD["edge"] | {"backend": "portal; shutdown"}}, id="a command"),
        pytest.param(TOLD | {"database": TOLD["database"] | {"regions": {"west": 1}}}, id="no address"),
    ],
)
def test_a_sandbox_that_tells_something_else_is_said_to(estate: object) -> None:
    told(estate)

    with pytest.raises(SourceError, match="cannot read what the sandbox main is made of") as failed:
        find_estate(built_in(), "sandbox")
    assert "another version" in failed.value.hint


def test_a_sandbox_of_before_there_were_estates_is_said_to_be_older() -> None:
    endpoints_path("main").parent.mkdir(parents=True)
    endpoints_path("main").write_text("{}")

    with pytest.raises(SourceError, match="KeyError"):
        find_estate(built_in(), "sandbox")


@pytest.mark.parametrize(
    ("parts", "found"),
    [
        pytest.param(
            EDGE.replace("east: [", "nord: ["), "the region 'nord'", id="a region that is not of it"
        ),
        pytest.param(EDGE.replace("west-1", "'west-1; x'"), "'west-1; x'", id="no server's name"),
        pytest.param(EDGE.replace("backend: portal, ", ""), "no such key", id="no backend"),
        pytest.param(DATABASE.replace("env:DB", "hunter2"), "a value", id="a password written out"),
        pytest.param(DATABASE.replace("5432", "0"), "0", id="no port"),
        pytest.param(CACHE.replace("port: 6379", "prot: 6379"), "the unknown key 'prot'", id="a typo"),
    ],
)
def test_what_is_wrong_is_named_with_its_place(tmp_path: Path, parts: str, found: str) -> None:
    with pytest.raises(InputError) as failed:
        declared(tmp_path, parts)

    assert found in [one.found for one in failed.value.problems]
    assert {one.line for one in failed.value.problems} == {6}
    assert "hunter2" not in str(failed.value)


def test_beside_a_sandbox_nothing_is_declared(tmp_path: Path) -> None:
    text = "keelwatch: 1\nenvironments:\n  here:\n    source: sandbox\n    regions: [west, east]\n"
    (tmp_path / "keelwatch.yaml").write_text(text + EDGE)

    with pytest.raises(InputError) as failed:
        load_workspace(tmp_path / "keelwatch.yaml")

    (problem,) = failed.value.problems
    assert (problem.line, problem.column, problem.found) == (6, 5, "the key 'edge'")
    assert problem.expected == "none: a sandbox brings its own"


def test_an_estate_can_be_had_from_a_loaded_workspace(tmp_path: Path) -> None:
    declared(tmp_path, EDGE)
    loaded = load_workspace(tmp_path / "keelwatch.yaml")

    assert estate_of(*loaded.environment(None), loaded.root).environment == "prod"
