"""`http.call` against a real server: one key, no redirect, no secret on record, and honest about doubt."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from keelwatch.adapters import http
from keelwatch.adapters.http import Request, send
from keelwatch.adapters.http_call import CallVerb
from keelwatch.runs import EffectClass
from keelwatch.runs.verb import Attempt
from keelwatch.workspace import Answer, Refused, SourceError, UnknownResult, UsageError
from tests.adapters.estate import Estate, written
from tests.adapters.keyed_server import KeyedServer, keyed_server

CALL = CallVerb()


@pytest.fixture
def server() -> Iterator[KeyedServer]:
    with keyed_server() as running:
        yield running


@pytest.fixture
def here(tmp_path: Path, server: KeyedServer) -> Estate:
    return written(tmp_path, portal={"url": server.url})


def attempt(number: int = 1, step: str = "tell") -> Attempt:
    return Attempt(f"20261125-run/{step}/ab12", number, 1, {})


def test_every_attempt_of_a_step_has_one_key_and_another_step_another(
    here: Estate, server: KeyedServer
) -> None:
    args = here.args(url="/v2/credit", body={"amount": 5})
    first, second = CALL.do(args, attempt(1)), CALL.do(args, attempt(2))
    other = CALL.do(args, attempt(1, "again"))

    assert [one.body for one in server.received] == [{"amount": 5}] * 3
    assert server.key(0) == server.key(1) == first["key"] == second["key"]
    assert other["key"] == server.key(2) != server.key(0)
    assert len(server.effects) == 2
    assert "run" not in server.key(0)  # it tells the target nothing of ours
    assert first["status"] == 200


def test_what_the_arguments_say_is_what_is_sent(here: Estate, server: KeyedServer) -> None:
    args = here.args(
        url=f"{server.url}/v2/flags?dry=1", method="put", headers={"X-Team": "sre"}, key_header="X-Key"
    )
    CALL.do(args, attempt())
    (one,) = server.received
    assert (one.method, one.path, one.body) == ("PUT", "/v2/flags?dry=1", None)
    assert one.headers["x-team"] == "sre"
    assert len(one.headers["x-key"]) == 32
    assert "idempotency-key" not in one.headers


def test_the_token_is_fetched_when_it_is_needed_and_stands_in_no_record(
    here: Estate, server: KeyedServer, tmp_path: Path
) -> None:
    args = here.args(url="/", bearer="file:token")
    with pytest.raises(SourceError, match="secret file:token"):
        CALL.access(args)
    (tmp_path / "token").write_text("kept-well-and-secret\n")
    server.manner, server.body = "403", b"no entry for kept-well-and-secret"
    assert "the secret file:token" in CALL.access(args)
    with pytest.raises(SourceError) as refused:
        CALL.do(args, attempt())
    assert server.received[0].headers["authorization"] == "Bearer kept-well-and-secret"
    told = json.dumps([refused.value.message, CALL.plan(args).summary, CALL.access(args)])
    assert "kept-well" not in told
    assert "403: no entry for ***" in refused.value.message


def test_another_status_fails_with_what_the_target_says(here: Estate, server: KeyedServer) -> None:
    server.manner, server.body = "422", b"amount \x1b[31mtoo\n high" + b"!" * 5000
    with pytest.raises(
        SourceError, match=r"/v2/credit answered 422: amount \[31mtoo high!+; wanted 2xx"
    ) as said:
        CALL.do(here.args(url="/v2/credit?c=secret-query"), attempt())
    assert "secret-query" not in said.value.message
    assert len(said.value.message) < 500
    assert CALL.do(here.args(url="/v2/credit", status=[422, 409]), attempt())["status"] == 422


def test_a_redirect_is_not_followed(here: Estate, server: KeyedServer) -> None:
    server.manner, server.headers = "307", {"location": f"{server.url}/elsewhere"}
    with pytest.raises(SourceError, match="answered 307"):
        CALL.do(here.args(url="/"), attempt())
    assert [one.path for one in server.received] == ["/"]


def test_a_gateway_without_an_answer_is_no_answer(here: Estate, server: KeyedServer) -> None:
    server.manner = "504"
    with pytest.raises(UnknownResult, match="it may have been carried out"):
        CALL.do(here.args(url="/"), attempt())


def test_a_connection_that_breaks_after_sending_leaves_doubt(here: Estate, server: KeyedServer) -> None:
    server.manner = "hang-up"
    with pytest.raises(UnknownResult, match="sent, and the connection broke"):
        CALL.do(here.args(url="/"), attempt())
    assert len(server.effects) == 1


def test_silence_after_sending_leaves_doubt_within_one_deadline(server: KeyedServer) -> None:
    server.manner = "silent"
    began = time.monotonic()
    with pytest.raises(UnknownResult, match=r"sent, and no answer within 0\.3 s"):
        send(Request("it", "POST", server.url), 0.3)
    assert time.monotonic() - began < 3


def test_a_body_without_end_is_not_waited_for(
    here: Estate, server: KeyedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(http, "BODY_S", 0.2)
    server.manner = "trickle"
    began = time.monotonic()
    assert CALL.do(here.args(url="/"), attempt())["status"] == 200
    assert time.monotonic() - began < 5


def test_what_never_left_is_no_doubt(tmp_path: Path) -> None:
    with socket.socket() as taken:  # bound, and nobody listens
        taken.bind(("127.0.0.1", 0))
        here = written(tmp_path, portal={"url": f"http://127.0.0.1:{taken.getsockname()[1]}"})
        with pytest.raises(SourceError, match="the connection is refused; nothing was sent"):
            CALL.do(here.args(url="/"), attempt())


def test_a_handshake_that_never_ends_is_no_doubt_either() -> None:
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"https://127.0.0.1:{deaf.getsockname()[1]}"
        with pytest.raises(SourceError, match=r"no answer within 0\.3 s; nothing was sent"):
            send(Request("it", "POST", url), 0.3)


def test_a_path_stays_inside_the_environment(here: Estate, server: KeyedServer) -> None:
    CALL.do(here.args(url="//elsewhere.example/x", region="east"), attempt())
    assert server.received[0].headers["host"] == f"127.0.0.1:{server.port}"
    with pytest.raises(UsageError, match="no region 'north'"):
        CALL.plan(here.args(url="/", region="north"))


@pytest.mark.parametrize(
    ("args", "words"),
    [
        ({"url": "ftp://x.example/"}, "is no URL"),
        ({"url": "https://me:pw@x.example/"}, "a user name or password in it"),
        ({"url": "/", "method": "get"}, "must be one of post"),
        ({"url": "/", "headers": {"a": "b\nc: d"}}, "cannot be sent"),
        ({"url": "/", "headers": {"a b": "c"}}, "cannot be sent"),
        ({"url": "/", "headers": {"idempotency-key": "mine"}}, "not yours to set"),
        ({"url": "/", "headers": {"Authorization": "Bearer x"}}, "not yours to set"),
        ({"url": "/", "status": [99]}, "statuses 100..599"),
        ({"url": "/", "verify": False}, "unknown argument 'verify'"),
        ({}, "'url' must be a text"),
    ],
)
def test_arguments_are_read_strictly(here: Estate, args: dict[str, object], words: str) -> None:
    with pytest.raises((UsageError, Refused), match=words):
        CALL.plan(here.args(**args))


def test_nobody_can_tell_and_nothing_takes_it_back(here: Estate) -> None:
    args = here.args(url="/v2/credit", body={"amount": 5})
    predicted = CALL.plan(args)
    assert CALL.effect is EffectClass.KEYED
    assert (
        "with 13 bytes of JSON, one Idempotency-Key for all attempts; it must answer 2xx" in predicted.summary
    )
    assert CALL.check(args).answer is Answer.UNKNOWN
    assert CALL.undo(args, predicted.before) is None
