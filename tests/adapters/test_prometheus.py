"""Against a real Prometheus: bare, and behind a proxy with TLS, a CA of its own, credentials and a tenant."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import trustme

from keelwatch.adapters.prometheus import (
    Basic,
    Bearer,
    Prometheus,
    PrometheusConfig,
    QueryRejected,
    QueryTooHeavy,
)
from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.secret import Secret
from tests.adapters.conftest import BEGIN
from tests.adapters.prometheus_server import Running, free_port
from tests.sentinel import KEPT_ON_PURPOSE, SENTINEL, leaks_in

END = BEGIN + 3600.0


def test_a_counter_is_read_at_the_time_asked_for(prometheus: Running) -> None:
    source = Prometheus(PrometheusConfig(prometheus.url))
    (sample,) = source.query("sum by (job) (increase(ticks_total[10m]))", END).samples
    assert sample.labels == {"job": "test"}
    assert sample.value == pytest.approx(600.0, rel=1e-9)
    assert source.query("ticks_total", END + 4000).samples == ()


def test_a_range_is_read_at_every_step(prometheus: Running) -> None:
    source = Prometheus(PrometheusConfig(prometheus.url))
    (series,) = source.query_range("ticks_total", BEGIN + 300, BEGIN + 900, 300).series
    assert series.points == ((BEGIN + 300.0, 300.0), (BEGIN + 600.0, 600.0), (BEGIN + 900.0, 900.0))


def test_broken_promql_is_rejected_with_the_servers_words(prometheus: Running) -> None:
    with pytest.raises(QueryRejected, match="unclosed left parenthesis"):
        Prometheus(PrometheusConfig(prometheus.url)).query("sum(", END)


def test_too_many_samples_are_too_heavy(prometheus: Running) -> None:
    with pytest.raises(QueryTooHeavy, match="too many samples"):
        Prometheus(PrometheusConfig(prometheus.url)).query_range("ticks_total", BEGIN, BEGIN + 3600, 2)


def test_a_query_of_many_kilobytes_passes(prometheus: Running) -> None:
    names = "|".join(f"job-{number:05d}" for number in range(2_000))
    text = f'ticks_total{{job=~"{names}|test"}}'
    assert len(text) > 16_384
    assert len(Prometheus(PrometheusConfig(prometheus.url)).query(text, END).samples) == 1


def test_threads_share_one_source_and_keep_their_answers_apart(prometheus: Running) -> None:
    source = Prometheus(PrometheusConfig(prometheus.url))
    found: dict[int, object] = {}

    def ask(number: int) -> None:
        for _ in range(10):
            (sample,) = source.query(f"vector({number})", END).samples
            found[number] = sample.value

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert found == {number: float(number) for number in range(8)}


PASSWORD = f"pä{SENTINEL}"  # not ASCII: the header must carry UTF-8

HAPROXY = """
defaults
    mode http
    timeout connect 2s
    timeout client 10s
    timeout server 10s
frontend tls
    bind 127.0.0.1:{port} ssl crt {pem}
    acl tenant req.hdr(X-Scope-OrgID) -m str team-a
    acl basic http_auth(people)
    acl bearer req.hdr(Authorization) -m str "Bearer {token}"
    http-request return status 302 hdr Location http://127.0.0.1:{elsewhere}/ if {{ path_beg /moved }}
    http-request deny deny_status 401 if !basic !bearer
    http-request deny deny_status 403 if !tenant
    http-request replace-path /prom/(.*) /\\1
    default_backend prometheus
backend prometheus
    server one 127.0.0.1:{upstream}
userlist people
    user reader insecure-password "{password}"
"""


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def guarded(
    prometheus: Running, authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The same Prometheus behind HAProxy."""
    folder = tmp_path_factory.mktemp("haproxy") / KEPT_ON_PURPOSE
    folder.mkdir()
    authority.issue_cert("localhost", "127.0.0.1").private_key_and_cert_chain_pem.write_to_path(
        str(folder / "server.pem")
    )
    port = free_port()
    text = HAPROXY.format(
        port=port,
        pem=folder / "server.pem",
        upstream=prometheus.port,
        elsewhere=prometheus.port,
        token=SENTINEL,
        password=PASSWORD,
    )
    (folder / "haproxy.cfg").write_text(text)
    haproxy = shutil.which("haproxy", path=os.environ["PATH"] + ":/usr/sbin")  # not on everybody's PATH
    assert haproxy, "install haproxy"
    process = subprocess.Popen([haproxy, "-db", "-q", "-f", str(folder / "haproxy.cfg")])
    try:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            assert process.poll() is None
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                break
            time.sleep(0.05)
        yield f"https://localhost:{port}"
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture(scope="module")
def ca(authority: trustme.CA, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("ca") / "ca.pem"
    authority.cert_pem.write_to_path(str(path))
    return path


TOKEN = Bearer(Secret(SENTINEL))


@pytest.mark.parametrize("auth", [TOKEN, Basic("reader", Secret(PASSWORD))], ids=["bearer", "basic"])
@pytest.mark.parametrize("path", ["", "/prom", "/prom/"])
def test_tls_of_an_own_ca_credentials_and_tenant(
    guarded: str, ca: Path, auth: Basic | Bearer, path: str
) -> None:
    source = Prometheus(PrometheusConfig(guarded + path, ca=ca, auth=auth, tenant="team-a"))
    assert len(source.query("ticks_total", END).samples) == 1


def test_an_unknown_ca_is_refused_with_the_remedy(guarded: str) -> None:
    with pytest.raises(SourceError, match=r"TLS failed: .*certificate") as caught:
        Prometheus(PrometheusConfig(guarded, auth=TOKEN, tenant="team-a")).query("up", END)
    assert "`ca`" in caught.value.hint


def test_a_missing_ca_file_is_named(guarded: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="is missing"):
        Prometheus(PrometheusConfig(guarded, ca=tmp_path / "none.pem")).query("up", END)


@pytest.mark.parametrize(
    ("auth", "tenant", "status"), [(None, "team-a", "401"), (TOKEN, None, "403"), (TOKEN, "team-b", "403")]
)
def test_wrong_credentials_are_said_to_be_that(
    guarded: str, ca: Path, auth: Bearer | None, tenant: str | None, status: str
) -> None:
    with pytest.raises(SourceError, match=rf"does not let us in \({status}"):
        Prometheus(PrometheusConfig(guarded, ca=ca, auth=auth, tenant=tenant)).query("up", END)


@pytest.mark.parametrize("token", ["pass\nword", "пароль"])
def test_a_token_that_no_header_can_carry_is_said_and_not_shown(guarded: str, ca: Path, token: str) -> None:
    with pytest.raises(SourceError) as caught:
        Prometheus(PrometheusConfig(guarded, ca=ca, auth=Bearer(Secret(token)))).query("up", END)
    assert token not in caught.value.message


def test_credentials_do_not_follow_a_redirect(guarded: str, ca: Path) -> None:
    with pytest.raises(SourceError, match="redirects to") as caught:
        Prometheus(PrometheusConfig(f"{guarded}/moved", ca=ca, auth=TOKEN)).query("up", END)
    assert leaks_in(f"{caught.value.message} {caught.value.hint}") == []


def test_credentials_in_a_url_are_never_shown() -> None:
    url = f"https://me:{quote(SENTINEL, safe='')}@prom.example:9090/x/"
    assert PrometheusConfig(url).shown == "https://prom.example:9090/x"


def test_importing_the_adapter_loads_no_client() -> None:
    code = (
        "import sys, keelwatch.adapters.prometheus;"
        "print([m for m in ('requests', 'urllib3', 'prometheus_api_client', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
