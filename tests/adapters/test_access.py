"""What `access` tells of real servers: who may not, how to grant it, and who cannot be asked."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelwatch.adapters import sandbox
from keelwatch.adapters.verbs import VERBS
from keelwatch.runs import Verb
from keelwatch.workspace import Refused, SourceError
from tests.adapters.estate import Estate, written
from tests.adapters.haproxy_server import running_edge
from tests.adapters.postgres_pair import Pair, running_pair
from tests.adapters.processes import children, frozen, until
from tests.adapters.redis_pair import Caches, running_caches

PASSWORD = "made-up-for-a-role"
LAG, FENCE, UNFENCE = VERBS["pg.lag"], VERBS["pg.fence"], VERBS["pg.unfence"]
PROMOTE, REJOIN = VERBS["pg.promote"], VERBS["pg.rejoin"]
CACHE_PROMOTE, CACHE_REJOIN, FOLLOW = VERBS["redis.promote"], VERBS["redis.rejoin"], VERBS["redis.follow"]
CALL = VERBS["http.call"]


# --- PostgreSQL


def with_roles(pair: Pair) -> None:
    for role in ("nobody", "watcher", "promoter"):
        pair.run("west", f"create role {role} login password '{PASSWORD}'")
    pair.run("west", "grant pg_monitor to watcher")
    for what in ("pg_promote(boolean, integer)", "pg_stat_file(text, boolean)"):
        pair.run("west", f"grant execute on function {what} to promoter")
    pair.caught_up()


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, postgres_template: Path) -> Iterator[Pair]:
    """For tests that leave it as it is."""
    with running_pair(tmp_path_factory.mktemp("access") / "pair", postgres_template) as running:
        with_roles(running)
        yield running


def logged_in_as(pair: Pair, role: str, folder: Path) -> Estate:
    """The same servers, with another login."""
    regions = {region: {"host": "127.0.0.1", "port": port} for region, port in pair.ports.items()}
    estate = written(
        folder, database={"user": role, "password": "file:secret", "name": "postgres", "regions": regions}
    )
    (folder / "secret").write_text(PASSWORD)
    return estate


@pytest.mark.parametrize(
    ("role", "verb", "region", "right", "grant"),
    [
        ("nobody", LAG, "east", "a member of pg_monitor", "GRANT pg_monitor TO"),
        ("nobody", FENCE, "west", "a superuser", "ALTER ROLE"),
        ("watcher", FENCE, "west", "a superuser", "ALTER ROLE"),
        ("promoter", UNFENCE, "west", "a superuser", "ALTER ROLE"),
        ("watcher", PROMOTE, "east", r"execute pg_promote\(boolean, integer\)", "GRANT EXECUTE"),
        ("promoter", REJOIN, "west", "a superuser", "ALTER ROLE"),
    ],
)
def test_a_role_without_the_right_is_refused_with_the_statement_that_grants_it(
    shared: Pair, tmp_path: Path, role: str, verb: Verb, region: str, right: str, grant: str
) -> None:
    args = logged_in_as(shared, role, tmp_path).args(region=region)
    server = "east" if verb is REJOIN else region
    with pytest.raises(
        Refused, match=rf"{role} must be .*{right} on PostgreSQL of {server} .*, and is not"
    ) as no:
        verb.access(args)
    assert grant in no.value.hint
    assert f'"{role}"' in no.value.hint
    assert "database.user" in no.value.hint
    assert PASSWORD not in no.value.message + no.value.hint


@pytest.mark.parametrize(("role", "verb"), [("watcher", LAG), ("promoter", PROMOTE)])
def test_a_role_with_just_the_right_is_let_through(
    shared: Pair, tmp_path: Path, role: str, verb: Verb
) -> None:
    (needed,) = verb.access(logged_in_as(shared, role, tmp_path).args(region="east"))
    assert needed.startswith(f"PostgreSQL: log in as {role}, ")


@pytest.mark.parametrize("verb", [LAG, FENCE, UNFENCE, PROMOTE, REJOIN])
def test_a_superuser_may_do_everything(shared: Pair, verb: Verb) -> None:
    assert "PostgreSQL: log in as postgres, a " in verb.access(shared.estate.args(region="west"))[-1]


def test_a_standby_that_was_fenced_takes_a_superuser_to_promote(shared: Pair, tmp_path: Path) -> None:
    def fence(word: str) -> None:
        shared.run("east", f"alter system set default_transaction_read_only = {word}")
        shared.run("east", "select pg_reload_conf()")
        until(
            lambda: shared.ask("east", "select current_setting('default_transaction_read_only')") == word,
            word,
        )

    args = logged_in_as(shared, "promoter", tmp_path).args(region="east")
    fence("on")
    try:
        with pytest.raises(Refused, match=r"must be a superuser .*: east is fenced, and to unfence it"):
            PROMOTE.access(args)
        assert PROMOTE.access(shared.estate.args(region="east"))
    finally:
        fence("off")
    assert PROMOTE.access(args)


def test_who_may_promote_and_not_look_is_told_what_nobody_could_tell_then(pair: Pair, tmp_path: Path) -> None:
    with_roles(pair)
    pair.run("west", "revoke execute on function pg_stat_file(text, boolean) from promoter")
    pair.caught_up()
    args = logged_in_as(pair, "promoter", tmp_path).args(region="east")
    _, blind = PROMOTE.access(args)
    assert blind.startswith("promoter may not execute pg_stat_file(text, boolean): while it replays, nobody")
    assert PROMOTE.check(args).answer == "unknown"  # as it said


def test_a_dead_server_cannot_be_asked_and_is_not_asked_to_rejoin(pair: Pair, tmp_path: Path) -> None:
    with_roles(pair)
    pair.crash("west")
    for verb in (FENCE, UNFENCE):
        with pytest.raises(SourceError, match="cannot log in to PostgreSQL of west"):
            verb.access(pair.estate.args(region="west"))
    hands, login = REJOIN.access(pair.estate.args(region="west"))
    assert (hands, login) == (
        "the host of west, as postgres",
        "PostgreSQL: log in as postgres, a superuser",
    )
    with pytest.raises(Refused, match="nobody must be a superuser on PostgreSQL of east"):
        REJOIN.access(logged_in_as(pair, "nobody", tmp_path).args(region="west"))
    pair.crash("east")
    with pytest.raises(SourceError, match="PostgreSQL of east"):
        REJOIN.access(pair.estate.args(region="west"))


def test_a_frozen_server_is_waited_for_only_briefly(shared: Pair) -> None:
    process = shared.processes["west"]
    with frozen(process.pid, *children(process.pid)):
        began = time.monotonic()
        with pytest.raises(SourceError, match="does not answer"):
            FENCE.access(shared.estate.args(region="west"))
        assert time.monotonic() - began < 6


# --- Redis


@pytest.fixture(scope="module")
def caches(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caches]:
    """Its users: one for each set of rights; no test changes a role."""
    with running_caches(tmp_path_factory.mktemp("access") / "caches") as running:
        rights = {
            "reader": "+info +role +acl",
            "forgetful": "+info +role +replicaof +acl",
            "silent": "+info +role +replicaof +config|rewrite",
            "stranger": "",
            "able": "+info +role +replicaof +config|rewrite +acl",
        }
        with running.client("east") as client:
            for user, rules in rights.items():
                words = f"reset on >{PASSWORD} -@all +client {rules}".split()
                client.execute_command("ACL", "SETUSER", user, *words)
        yield running


def cache_as(caches: Caches, user: str, folder: Path, password: str = PASSWORD) -> Estate:
    regions = {region: {"host": "127.0.0.1", "port": port} for region, port in caches.ports.items()}
    estate = written(folder, cache={"user": user, "password": "file:secret", "regions": regions})
    (folder / "secret").write_text(password)
    return estate


@pytest.mark.parametrize("verb", [CACHE_PROMOTE, CACHE_REJOIN])
def test_a_user_without_replicaof_is_refused(caches: Caches, tmp_path: Path, verb: Verb) -> None:
    with pytest.raises(Refused, match="reader may not run REPLICAOF on Redis of east") as no:
        verb.access(cache_as(caches, "reader", tmp_path).args(region="east"))
    assert "ACL SETUSER reader +replicaof;" in no.value.hint
    assert caches.info("east")["role"] == "slave"  # it was asked, and not done


def test_to_follow_takes_it_too(caches: Caches, tmp_path: Path) -> None:
    args = cache_as(caches, "reader", tmp_path).args(region="east", host="127.0.0.1", port=9)
    with pytest.raises(Refused, match="reader may not run REPLICAOF"):
        FOLLOW.access(args)


@pytest.mark.parametrize(
    ("user", "words"),
    [
        ("able", ""),
        ("forgetful", " (forgetful may not: a restart of east forgets its role)"),
        ("silent", " (not asked: the server of east does not tell)"),
    ],
)
def test_a_user_who_may_is_let_through_and_what_is_not_known_is_said(
    caches: Caches, tmp_path: Path, user: str, words: str
) -> None:
    needed, *_ = CACHE_PROMOTE.access(cache_as(caches, user, tmp_path).args(region="east"))
    assert needed == f"Redis: INFO, ROLE, REPLICAOF, CONFIG REWRITE{words}"


def test_the_old_primary_is_asked_whether_it_holds_writes(caches: Caches) -> None:
    args = caches.estate.args(region="east")
    assert len(CACHE_PROMOTE.access(args)) == 1
    with caches.client("west") as west:
        west.execute_command("ACL", "SETUSER", "default", "-client|pause")
        try:
            _, warned = CACHE_PROMOTE.access(args)
        finally:
            west.execute_command("ACL", "SETUSER", "default", "+client|pause")
    assert warned == "default may not CLIENT PAUSE at west: it holds no writes for the promotion"
    assert len(CACHE_PROMOTE.access({**args, "mode": "ungraceful"})) == 1


@pytest.mark.parametrize(("user", "password"), [("silent", "another"), ("stranger", PASSWORD)])
def test_who_is_not_let_in_by_the_cache_cannot_ask(
    caches: Caches, tmp_path: Path, user: str, password: str
) -> None:
    args = cache_as(caches, user, tmp_path, password).args(region="east")
    with pytest.raises(SourceError, match="does not let us in"):
        CACHE_PROMOTE.access(args)


def test_a_server_before_the_question_was_invented_does_not_tell(caches: Caches, tmp_path: Path) -> None:
    """As Redis 6, which knows no DRYRUN."""
    configuration = "rename-command ACL ACL-OF-ANOTHER-TIME\n"
    with running_caches(tmp_path / "old") as old:
        old.kill("east")
        file = old.folder / "east.conf"
        file.write_text(file.read_text() + configuration)
        old.start("east")
        (needed,) = CACHE_PROMOTE.access(old.estate.args(region="east"))
        assert needed.endswith("(not asked: the server of east does not tell)")
        old.kill("east")
        with pytest.raises(SourceError, match="cannot reach Redis of east"):
            CACHE_PROMOTE.access(old.estate.args(region="east"))


# --- the edge


EDGE_ARGS: list[tuple[str, dict[str, object]]] = [
    ("edge.weight", {"weights": {"west": 0, "east": 100}}),
    ("edge.drain", {"region": "west"}),
    ("edge.ready", {"region": "west"}),
]


def test_the_edges_socket_must_be_one_of_level_admin(tmp_path: Path) -> None:
    with running_edge(tmp_path / "admin") as edge:
        for name, args in EDGE_ARGS:
            (needed,) = VERBS[name].access(edge.estate.args(**args))
            assert needed == f"HAProxy's admin socket {edge.edge.socket}, level admin"
    with running_edge(tmp_path / "operator", level="operator") as edge:
        for name, args in EDGE_ARGS:
            with pytest.raises(Refused, match=f"{edge.edge.socket} has level operator, and not admin") as no:
                VERBS[name].access(edge.estate.args(**args))
            assert "stats socket PATH level admin" in no.value.hint
        edge.process.kill()
        edge.process.wait(20)
        for name, args in EDGE_ARGS:
            with pytest.raises(SourceError, match="cannot ask the edge"):
                VERBS[name].access(edge.estate.args(**args))


# --- calls, and the sandbox


def test_a_call_is_only_asked_whether_somebody_listens(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(10)
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v2/credit?c=secret-query"
        (needed,) = CALL.access(written(tmp_path).args(url=url))
        assert needed.endswith("/v2/credit")
        with listening.accept()[0] as line:
            line.settimeout(10)
            assert line.recv(1) == b""  # hung up, and nothing sent
    with pytest.raises(SourceError, match="the connection is refused; nothing was sent") as no:
        CALL.access(written(tmp_path).args(url=url))
    assert "secret-query" not in no.value.message


def test_a_sandbox_that_does_not_run_gives_no_access(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEELWATCH_STATE", str(tmp_path))
    with pytest.raises(SourceError, match="sandbox main is not running"):
        sandbox.ask_access("main")
