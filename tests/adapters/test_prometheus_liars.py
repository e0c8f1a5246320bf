"""Whatever stands at the other end, the caller gets a typed answer or a SourceError, in time."""

from __future__ import annotations

import gzip
import json
import time

import pytest

from keelwatch.adapters.prometheus import Missing, Prometheus, PrometheusConfig, QueryRejected, QueryTooHeavy
from keelwatch.workspace.errors import SourceError
from tests.adapters.liar import Behaviour, answer, drip, flood, lying
from tests.adapters.prometheus_server import free_port

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def success(result: object, kind: str = "vector", **more: object) -> bytes:
    return json.dumps({"status": "success", "data": {"resultType": kind, "result": result}, **more}).encode()


def failure(behave: Behaviour, **config: object) -> SourceError:
    with lying(behave) as liar, pytest.raises(SourceError) as caught:
        Prometheus(PrometheusConfig(liar.url, **config)).query("up", 0.0)  # type: ignore[arg-type]
    return caught.value


@pytest.mark.parametrize(
    ("behave", "words"),
    [
        (answer(b"<!doctype html><h1>Log in</h1>"), "a web page"),
        (answer(b"not json at all"), "not JSON"),
        (answer(b""), "not JSON"),
        (answer(b'{"status":"success","data":{"resultType":"vector","result":[', length=5000), "short"),
        (answer(b"[1,2,3]"), "no query answer"),
        (answer(b'"text"'), "no query answer"),
        (answer(b"null"), "no query answer"),
        (answer(b"[" * 100_000), "not JSON"),
        (answer(b'{"status":"success","data":{"resultType":"vector","result":[NaN]}}'), "not JSON"),
        (answer(success({}, "vector")), "no list"),
        (answer(success([{"metric": {}, "value": [0]}])), "[time, text] pair"),
        (answer(success([{"metric": {}, "value": [0, "many"]}])), "the number 'many'"),
        (answer(success([{"metric": {"a": 1}, "value": [0, "1"]}])), "without labels"),
        (answer(success([{"metric": {}}])), "without a value"),
        (answer(success([], "matrix")), "a matrix, where a vector"),
        (answer(b'{"status":"error","error":"half an answer"}'), "half an answer"),
        (answer(b"", "204 No Content"), "204"),
        (answer(b"", "302 Found", "Location: http://elsewhere.invalid/login?next=x\r\n"), "redirects"),
        (answer(b"", "500 Internal Server Error"), "500"),
        (answer(b"slow down", "429 Too Many Requests"), "rate-limiting"),
        (answer(b"no", "401 Unauthorized"), "does not let us in"),
        (answer(b"no", "403 Forbidden"), "does not let us in"),
        (answer(b"404 page not found", "404 Not Found"), "has no query API"),
        (lambda connection: connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n"), "127.0.0.1"),
        (lambda connection: None, "127.0.0.1"),
    ],
)
def test_a_lie_is_a_source_error_that_says_what_it_was(behave: Behaviour, words: str) -> None:
    error = failure(behave)
    assert words in error.message
    assert "Traceback" not in error.message
    assert error.__cause__ is None


@pytest.mark.parametrize("status", ["422 Unprocessable Entity", "503 Service Unavailable"])
def test_a_sick_server_is_asked_once_and_not_again(status: str) -> None:
    body = b'{"status":"error","errorType":"timeout","error":"query timed out in expression evaluation"}'
    with lying(answer(body, status)) as liar:
        with pytest.raises(QueryTooHeavy):
            Prometheus(PrometheusConfig(liar.url)).query("up", 0.0)
        assert len(liar.requests) == 1


@pytest.mark.parametrize(
    "behave",
    [
        drip(HEAD, b"X", 0.05),
        drip(HEAD + b"Content-Length: 100000\r\n\r\n", b" ", 0.05),
        drip(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n", 0.05),
        drip(b"", b"", 0.05),
    ],
    ids=["headers", "body", "chunks", "silence"],
)
def test_a_server_that_drips_is_left_when_the_time_is_up(behave: Behaviour) -> None:
    began = time.monotonic()
    error = failure(behave, read_s=0.4, connect_s=0.2)
    assert time.monotonic() - began < 2.0
    assert "did not answer within 0.4s" in error.message


def test_a_flood_is_cut_off() -> None:
    head = HEAD + b"Content-Length: 100000000000\r\n\r\n"
    error = failure(flood(head, b" " * 65536), max_answer_bytes=1 << 20)
    assert "more than 1 MiB" in error.message


def test_a_compressed_flood_is_cut_off() -> None:
    bomb = gzip.compress(b" " * (64 << 20))
    error = failure(answer(bomb, headers="Content-Encoding: gzip\r\n"), max_answer_bytes=1 << 20)
    assert "more than 1 MiB" in error.message


def test_a_server_without_tls_behind_https_is_named() -> None:
    with lying(answer(b"plain")) as liar, pytest.raises(SourceError, match="TLS failed"):
        Prometheus(PrometheusConfig(liar.url.replace("http:", "https:"))).query("up", 0.0)


def test_nobody_there_is_said_plainly() -> None:
    with pytest.raises(SourceError, match="refused the connection"):
        Prometheus(PrometheusConfig(f"http://127.0.0.1:{free_port()}")).query("up", 0.0)


def test_a_name_that_does_not_resolve_is_said_plainly() -> None:
    with pytest.raises(SourceError, match="does not resolve"):
        Prometheus(PrometheusConfig("http://nowhere.invalid:9090")).query("up", 0.0)


def test_what_is_no_finite_number_says_what_it_is() -> None:
    result = [
        {"metric": {"a": "1"}, "value": [0, "NaN"]},
        {"metric": {"a": "2"}, "value": [0, "+Inf"]},
        {"metric": {"a": "3"}, "value": [0, "-Inf"]},
        {"metric": {"a": "4"}, "histogram": [0, {"count": "1"}]},
        {"metric": {"a": "5"}, "value": [0, "2.5"]},
    ]
    with lying(answer(success(result))) as liar:
        found = Prometheus(PrometheusConfig(liar.url)).query("up", 0.0)
    assert [sample.value for sample in found.samples] == [
        Missing.NAN,
        Missing.INFINITE,
        Missing.INFINITE,
        Missing.NATIVE_HISTOGRAM,
        2.5,
    ]


def test_a_nan_in_a_series_is_counted_and_left_out() -> None:
    result = [{"metric": {}, "values": [[0, "1"], [1, "NaN"], [2, "+Inf"], [3, "4"]]}]
    with lying(answer(success(result, "matrix"))) as liar:
        (series,) = Prometheus(PrometheusConfig(liar.url)).query_range("up", 0, 3, 1).series
    assert series.points == ((0.0, 1.0), (3.0, 4.0))
    assert series.missing == 2


def test_warnings_and_infos_of_a_half_answer_are_kept() -> None:
    body = success([], warnings=["store gateway-2 unavailable"], infos=["metric might not be a counter"])
    with lying(answer(body)) as liar:
        found = Prometheus(PrometheusConfig(liar.url)).query("up", 0.0)
    assert found.warnings == ("store gateway-2 unavailable", "metric might not be a counter")


def test_the_query_travels_in_the_body_and_not_in_the_url() -> None:
    with lying(answer(success([]))) as liar:
        Prometheus(PrometheusConfig(liar.url)).query("up" + " " * 20_000, 12.5)
    line, _, rest = liar.requests[0].partition(b"\r\n")
    assert line == b"POST /api/v1/query HTTP/1.1"
    assert b"application/x-www-form-urlencoded" in rest
    assert b"query=up" in rest


def test_a_clock_that_is_off_is_noticed() -> None:
    headers = "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
    with lying(answer(success([]), headers=headers)) as liar:
        ahead_s = Prometheus(PrometheusConfig(liar.url)).query("up", 0.0).ahead_s
    assert ahead_s is not None
    assert abs(time.time() + ahead_s - 1_767_225_600) < 3


def test_a_refused_query_is_told_from_a_refusing_server() -> None:
    assert isinstance(
        failure(answer(b'{"status":"error","error":"1:3: parse error"}', "400 Bad Request")), QueryRejected
    )
    assert not isinstance(failure(answer(b"no", "401 Unauthorized")), QueryRejected)
