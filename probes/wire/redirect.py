"""Where a redirect leads, as a browser follows it."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urldefrag, urljoin, urlsplit

from probes.answer import Answer
from probes.wire.request import WireRequest

REDIRECTS = frozenset({301, 302, 303, 307, 308})
OF_A_BODY = frozenset({"content-type", "content-length", "content-encoding", "transfer-encoding"})
FOR_ONE_ORIGIN = frozenset({"authorization", "cookie", "host"})


def location(request: WireRequest, answer: Answer) -> str | None:
    """The whole URL that the answer sends us to; None when it does not."""
    to = answer.header("location")
    if answer.status not in REDIRECTS or to is None:
        return None
    return urldefrag(urljoin(request.url, to.strip())).url


def redirected(request: WireRequest, status: int, to: str) -> WireRequest:
    """The request to make instead: 303, and 301 and 302 after a POST, become a GET without a body. What is
    meant for one origin does not go to another (RFC 9110, 15.4; the Fetch standard)."""
    headers = request.headers
    if _origin(request.url) != _origin(to):
        headers = _without(headers, FOR_ONE_ORIGIN)
    to_get = (status == 303 and request.method != "HEAD") or (
        status in {301, 302} and request.method == "POST"
    )
    if to_get:
        return WireRequest("GET", to, _without(headers, OF_A_BODY))
    return replace(request, url=to, headers=headers)


def leaves_tls(url: str, to: str) -> bool:
    return urlsplit(url).scheme == "https" and urlsplit(to).scheme == "http"


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return (parts.scheme, parts.netloc.rpartition("@")[2].lower())


def _without(headers: tuple[tuple[str, str], ...], names: frozenset[str]) -> tuple[tuple[str, str], ...]:
    return tuple((name, value) for name, value in headers if name.lower() not in names)
