"""What a person reads of a request and its answer, and the curl that asks the same. Redacted."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from keelwatch.workspace.secret import MASK, Secret
from keelwatch.workspace.sink import redact
from probes.answer import LARGEST_BODY, Answer
from probes.names import Names
from probes.record import Exchange
from probes.wire import WireRequest

LONGEST = 2000  # characters of a body
PRIVATE_HEADERS = frozenset({"authorization", "cookie", "set-cookie", "proxy-authorization"})


def exchange(request: WireRequest, answer: Answer | None, names: Names, ca: Path | None = None) -> Exchange:
    """`names` tell which secrets the curl command shows as variables; `ca` is the PEM file that it trusts."""
    return Exchange(
        request=redact(_request(request)),
        response=redact(_response(answer)) if answer else "",
        curl=redact(curl(request, names, ca)),
    )


def curl(request: WireRequest, names: Names, ca: Path | None = None) -> str:
    """One line for a shell; a secret stands as a variable named after it: `$SESSION_ACCESS`."""
    secrets = _secrets(names)
    words = ["curl", "-sS", "-i"]
    if ca is not None:
        words += ["--cacert", _word(str(ca), {})]
    if request.method != "GET":
        words += ["-X", request.method]
    words.append(_word(request.url, secrets))
    for name, value in request.headers:
        words += ["-H", _word(f"{name}: {value}", secrets)]
    if request.body:  # raw: a body that begins with @ names no file
        words += ["--data-raw", _word(request.body.decode(errors="replace"), secrets)]
    return " ".join(words)


def _secrets(names: Names) -> dict[str, str]:
    """Value to variable."""
    return {
        value.reveal(): name.replace(".", "_").upper()
        for name, value in names.items()
        if isinstance(value, Secret)
    }


def _word(text: str, secrets: Mapping[str, str]) -> str:
    """`text` as one word of a shell, in which secrets are variables."""
    longest_first = sorted(secrets, key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, longest_first))})", text) if secrets else [text]
    inner = [f"'\"${secrets[one]}\"'" if one in secrets else _escaped(one) for one in pieces]
    return f"'{''.join(inner)}'"


def _escaped(text: str) -> str:
    """For between single quotes."""
    return text.replace("'", "'\"'\"'")


def _request(request: WireRequest) -> str:
    lines = [f"{request.method} {request.url}"]
    lines += [_header(name, value) for name, value in request.headers]
    return _joined(lines, request.body.decode(errors="replace"))


def _response(answer: Answer) -> str:
    lines = [f"{answer.hop.http} {answer.status}".strip()]
    lines += [_header(name, value) for name, value in answer.headers]
    told = _joined(lines, answer.text)
    return f"{told}\n... cut off by Keelwatch after {LARGEST_BODY // 1_000_000} MB" if answer.cut else told


def _header(name: str, value: str) -> str:
    return f"{name}: {MASK if name.lower() in PRIVATE_HEADERS else value}"


def _joined(lines: list[str], body: str) -> str:
    body = redact(body)  # before it is cut, for half a secret is masked nowhere
    if len(body) > LONGEST:
        body = f"{body[:LONGEST]}\n... {len(body) - LONGEST} more characters"
    return "\n".join([*lines, "", body]) if body else "\n".join(lines)
