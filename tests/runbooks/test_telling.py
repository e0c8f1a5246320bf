"""Steps that tell somebody something: over HTTP with a key, by a webhook, by a command."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from keelwatch.ledger import JsonObject, verify
from keelwatch.runs import Attempt, Phase
from keelwatch.workspace import ExitCode
from runbooks.conduct.progress import StepState
from runbooks.verbs.notify import NotifyVerb
from tests.adapters.keyed_server import KeyedServer, keyed_server
from tests.runbooks.conftest import Shop
from tests.runs.conftest import until

TOKEN = "T0-the-webhook-s-own-path"


@pytest.fixture
def server() -> Iterator[KeyedServer]:
    with keyed_server() as running:
        yield running


def call(server: KeyedServer, undo: str = "none") -> str:
    body = "{moved: $to}"
    return f"  - id: call\n    http.call: {{url: '{server.url}/moves', body: {body}}}\n    undo: {undo}\n"


def exit_of(shop: Shop, run: str) -> ExitCode:
    found = shop.end(run).state.verdict
    assert found is not None
    return found.exit_code


def test_a_call_is_carried_out_with_its_inputs_and_settles(shop: Shop, server: KeyedServer) -> None:
    shop.write(call(server))
    run = shop.start()
    assert exit_of(shop, run) is ExitCode.PASS
    assert [(one.path, one.body) for one in server.received] == [("/moves", {"moved": "east"})]
    assert f"key {server.key(0)}" in shop.progress(run).step("call").words


def test_a_run_killed_while_it_calls_calls_again_with_its_key_and_nothing_is_doubled(
    shop: Shop, server: KeyedServer
) -> None:
    shop.write(call(server))
    server.manner = "silent"
    run = shop.start()
    until(lambda: len(server.effects) == 1, what="the effect")
    shop.kill(run)
    until(lambda: shop.view(run).phase is Phase.ORPHANED, what="an orphan")
    server.manner = "ok"
    server.go.set()

    shop.resume(run)

    assert exit_of(shop, run) is ExitCode.PASS
    assert len(server.received) == 2
    assert server.key(0) == server.key(1)
    assert len(server.effects) == 1
    assert verify(shop.ledger).flaw is None


def test_a_call_may_take_a_call_back(shop: Shop, server: KeyedServer) -> None:
    back = f"{{http.call: {{url: '{server.url}/moves/last', method: delete}}}}"
    fails = "  - {id: cache, redis.promote: {region: $to}, undo: {edge.ready: {region: $from}}}\n"
    shop.put("broken-cache-east", "")
    shop.write(call(server, back) + fails)
    run = shop.start()
    shop.answer(run, "abort")
    assert exit_of(shop, run) is ExitCode.STOPPED
    assert [(one.method, one.path) for one in server.received] == [
        ("POST", "/moves"),
        ("DELETE", "/moves/last"),
    ]
    assert server.key(0) != server.key(1)


def test_a_call_that_is_refused_is_a_question_that_says_why(shop: Shop, server: KeyedServer) -> None:
    shop.write(call(server))
    server.manner, server.body = "409", b"moved already"
    run = shop.start()
    assert "/moves answered 409: moved already; wanted 2xx" in shop.question(run).text
    server.manner = "ok"
    shop.answer(run, "retry")
    assert exit_of(shop, run) is ExitCode.PASS
    assert server.key(0) == server.key(1)


def test_a_command_hears_the_text_on_its_stdin(shop: Shop) -> None:
    shop.write('  - {id: say, notify: {text: "customers of $from go to $to", command: [tee, -a, told]}}\n')
    run = shop.start()
    assert exit_of(shop, run) is ExitCode.PASS
    assert (shop.folder / "told").read_text() == "customers of west go to east"
    assert shop.progress(run).step("say").state is StepState.DONE


def test_who_hears_of_a_rehearsal_hears_that_it_is_one(shop: Shop) -> None:
    args: JsonObject = {
        "workspace": str(shop.folder / "keelwatch.yaml"),
        "environment": "shop",
        "sandbox": "rehearsal",
        "text": "we move",
        "command": ["tee", "told"],
    }
    assert NotifyVerb().plan(args).summary.endswith("/tee: [sandbox rehearsal] we move")
    NotifyVerb().do(args, Attempt("run/say/1", 1, 1, {}))
    assert (shop.folder / "told").read_text() == "[sandbox rehearsal] we move"


def hook(shop: Shop, server: KeyedServer) -> None:
    (shop.folder / "hook").write_text(f"{server.url}/{TOKEN}\n")
    shop.write("  - {id: say, notify: {text: 'we move to $to', webhook: 'file:hook'}}\n")


def test_a_webhook_hears_it_and_its_address_is_on_no_record(shop: Shop, server: KeyedServer) -> None:
    hook(shop, server)
    run = shop.start()
    assert exit_of(shop, run) is ExitCode.PASS
    (one,) = server.received
    assert (one.method, one.path, one.body) == ("POST", f"/{TOKEN}", {"text": "we move to east"})
    written = [path for path in (shop.folder / "state").rglob("*") if path.is_file()]
    assert written
    assert not [path for path in written if TOKEN.encode() in path.read_bytes()]


def test_a_webhook_that_answers_otherwise_is_a_question_without_its_address(
    shop: Shop, server: KeyedServer
) -> None:
    hook(shop, server)
    server.manner, server.body = "404", f"no hook at /{TOKEN}".encode()
    run = shop.start()
    assert shop.question(run).text == "say failed: the webhook at file:hook answered 404: no hook at /***"
    shop.answer(run, "skip", "told them by telephone")
    assert exit_of(shop, run) is ExitCode.PASS


def test_a_run_killed_while_it_tells_asks_and_does_not_tell_again_by_itself(
    shop: Shop, server: KeyedServer
) -> None:
    hook(shop, server)
    server.manner = "silent"
    run = shop.start()
    until(lambda: len(server.received) == 1, what="the words")
    shop.kill(run)
    until(lambda: shop.view(run).phase is Phase.ORPHANED, what="an orphan")
    shop.resume(run)
    assert "did notify on notify/file:hook happen? nobody can tell" in shop.question(run).text
    shop.answer(run, "done", "it stands in the channel")
    assert exit_of(shop, run) is ExitCode.PASS
    assert len(server.received) == 1
