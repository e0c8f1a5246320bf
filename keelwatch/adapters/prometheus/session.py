"""The one HTTP session, which mends what prometheus-api-client leaves open.

The client puts POSTed queries into the URL, has no time limit, retries on 503 (Prometheus' own sign of
overload) and drops warnings. Its session is its seam, so all of that is mended here.
"""

from __future__ import annotations

import json
import threading
import time
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from urllib.parse import urlsplit

import requests
import urllib3
from requests.utils import get_environ_proxies

from keelwatch import __version__
from keelwatch.adapters.prometheus import deadline
from keelwatch.adapters.prometheus.answer import error_of
from keelwatch.adapters.prometheus.config import PrometheusConfig
from keelwatch.adapters.prometheus.failure import QueryTimedOut, QueryTooHeavy, of_status
from keelwatch.workspace.errors import SourceError

_CHUNK_BYTES = 64 * 1024
_FAILURES = (requests.RequestException, urllib3.exceptions.HTTPError, HTTPException, OSError)
_LOOPBACK = {"127.0.0.1", "localhost", "::1"}


class Answered(requests.Response):
    """A checked answer: status 200, and JSON that was decoded once, into `document`.

    The client takes `data.result` out of `json()` without looking; it gets an empty one, and the
    document is read by `answer` with all that the client would drop.
    """

    def __init__(self, document: object, ahead_s: float | None) -> None:
        super().__init__()
        self.status_code = 200
        self.document = document
        self.ahead_s = ahead_s

    def json(self, **_options: object) -> object:
        return {"data": {"result": []}}


class MendedSession(requests.Session):
    """Form-encoded POST, one deadline per request, no retry, no redirect, a bounded answer.

    Every failure is raised as a `SourceError`. The last answer of each thread is kept in `last`.
    """

    def __init__(self, config: PrometheusConfig) -> None:
        super().__init__()
        self.config = config
        self.trust_env = False  # a netrc entry must not override the credentials we were given
        self.verify = str(config.ca) if config.ca else True
        if urlsplit(config.url).hostname not in _LOOPBACK:
            self.proxies.update(get_environ_proxies(config.url))
        self.headers["User-Agent"] = f"keelwatch/{__version__}"
        if config.auth:
            self.headers["Authorization"] = config.auth.header()
        if config.tenant:
            self.headers["X-Scope-OrgID"] = config.tenant
        self._slots = threading.BoundedSemaphore(config.max_in_flight)
        self._local = threading.local()

    @property
    def last(self) -> Answered:
        answered = self._local.answered
        assert isinstance(answered, Answered)
        return answered

    def request(  # type: ignore[override]  # the client calls it with these names alone
        self, method: str, url: str, params: dict[str, str], timeout: float, **_options: object
    ) -> requests.Response:
        with self._slots:
            try:
                self._local.answered = self._ask(method, url, params, timeout)
            except UnicodeError:
                raise SourceError(
                    f"{self.config.shown}: the token or tenant has characters that no HTTP header can carry"
                ) from None
            except _FAILURES as error:
                raise _explain(error, self.config, timeout) from None
        return self.last

    def _ask(self, method: str, url: str, params: dict[str, str], timeout: float) -> Answered:
        deadline.begin(self.config.connect_s + timeout, timeout)
        began = time.time()
        response = super().request(
            method,
            url,
            data=params,  # the body: a packed query is longer than many a proxy's URL limit
            timeout=(self.config.connect_s, timeout),
            allow_redirects=False,
            stream=True,
        )
        with response:
            body = self._body(response)
        document = _decode(response, body, self.config)
        if response.status_code != 200:
            location = response.headers.get("Location", "")
            raise of_status(response.status_code, error_of(document), self.config.shown, location)
        return Answered(document, _ahead(response, (began + time.time()) / 2))

    def _body(self, response: requests.Response) -> bytes:
        parts, size = [], 0
        for part in response.iter_content(_CHUNK_BYTES):
            size += len(part)
            if size > self.config.max_answer_bytes:
                limit = self.config.max_answer_bytes >> 20
                raise QueryTooHeavy(
                    f"{self.config.shown} answered with more than {limit} MiB", "ask for less"
                )
            deadline.check()  # a decompressed flood needs no further read
            parts.append(part)
        return b"".join(parts)


def _decode(response: requests.Response, body: bytes, config: PrometheusConfig) -> object:
    try:
        document: object = json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError):
        if response.status_code != 200:
            return None
        if body.lstrip()[:1] == b"<":
            raise SourceError(
                f"{config.shown} answered with a web page, not with JSON",
                "is there a login page or another server in front of it?",
            ) from None
        raise SourceError(
            f"{config.shown} answered with something that is not JSON ({len(body)} bytes)",
            "is the answer cut short, or `url` no Prometheus?",
        ) from None
    return document


def _refuse(constant: str) -> object:
    raise ValueError(constant)


def _ahead(response: requests.Response, ours: float) -> float | None:
    try:
        return round(parsedate_to_datetime(response.headers["Date"]).timestamp() - ours, 1)
    except (KeyError, ValueError):
        return None


def _explain(error: Exception, config: PrometheusConfig, timeout: float) -> SourceError:
    """The `SourceError` for a failed exchange. Texts of the libraries stay out: they quote too much."""
    shown, causes = config.shown, _causes(error)
    if any(isinstance(cause, requests.exceptions.SSLError | urllib3.exceptions.SSLError) for cause in causes):
        return SourceError(f"{shown}: TLS failed: {_tls(causes)}", "set `ca` to the PEM file of its CA")
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return SourceError(f"{shown} refused the connection", "is it running, and is the port right?")
    if any(isinstance(cause, urllib3.exceptions.NameResolutionError) for cause in causes):
        return SourceError(f"{shown}: its name does not resolve", "check `url` and the DNS of this host")
    if any(isinstance(cause, requests.ConnectTimeout) for cause in causes):
        return SourceError(f"{shown} took no connection in {config.connect_s:g}s", "check firewall and port")
    if any(isinstance(cause, TimeoutError | requests.Timeout) for cause in causes):
        return QueryTimedOut(f"{shown} did not answer within {timeout:g}s", "it may be overloaded")
    if any(isinstance(cause, requests.exceptions.ProxyError) for cause in causes):
        return SourceError(f"{shown}: the proxy failed", "check HTTPS_PROXY and NO_PROXY")
    if any(isinstance(cause, requests.exceptions.ChunkedEncodingError) for cause in causes):
        return SourceError(f"{shown} cut its answer short", "it will be asked again")
    return SourceError(f"{shown}: {type(causes[-1]).__name__}", "is it running, and is `url` right?")


def _causes(error: BaseException) -> list[BaseException]:
    """An exception and everything it was raised from, outermost first."""
    found: list[BaseException] = []
    queue: list[object] = [error]
    while queue and len(found) < 20:
        one = queue.pop(0)
        if not isinstance(one, BaseException) or one in found:
            continue
        found.append(one)
        queue += [*one.args, getattr(one, "reason", None), one.__cause__, one.__context__]
    return found


def _tls(causes: list[BaseException]) -> str:
    words = [getattr(cause, "verify_message", "") for cause in causes]
    return next((word for word in words if word), "the handshake did not succeed")
