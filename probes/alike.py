"""Whether two answers tell a stranger which of two accounts exists. Pure.

What differs between any two answers (a date, a request id, a token) is left out; the subject is masked.
Equal answers can still differ in time: that needs statistics over many pairs, and is not judged here.
"""

from __future__ import annotations

import json
import re
from html import escape
from urllib.parse import quote, quote_plus

from probes.answer import Answer
from probes.expect import shown
from probes.record import Check

# Say nothing about an account: clocks, ids of the request, ends of connections.
VOLATILE = frozenset(
    {"age", "connection", "date", "etag", "keep-alive", "keelwatch-region", "server-timing", "traceparent",
     "tracestate", "via", "x-request-id", "x-runtime", "x-trace-id"}
)  # fmt: skip
ONCE = re.compile(r"[A-Za-z0-9_-]{20,}|[0-9a-f]{16,}")  # csrf tokens, nonces, ids
TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:?\d\d)?")
COUNTED = re.compile(r"\d+")
RATE = re.compile(r"(x-)?ratelimit-(remaining|reset)|retry-after")


def compared(known: tuple[str, Answer], unknown: tuple[str, Answer]) -> tuple[Check, ...]:
    """One check per thing that could tell; each subject with its answer."""
    first, second = known[1], unknown[1]
    return (
        _same("status of known and unknown", str(first.status), str(second.status)),
        _same("headers of known and unknown", _headers(*known), _headers(*unknown)),
        _same("cookies of known and unknown", _cookies(first), _cookies(second)),
        _same("body of known and unknown", _body(*known), _body(*unknown)),
    )


def _same(what: str, first: str, second: str) -> Check:
    return Check(what, first == second, "alike", "alike" if first == second else _difference(first, second))


def _difference(first: str, second: str) -> str:
    """Both texts from where they part."""
    at = next(
        (i for i, (a, b) in enumerate(zip(first, second, strict=False)) if a != b),
        min(len(first), len(second)),
    )
    start = max(0, at - 20)
    return f"{shown(first[start : at + 40])} | {shown(second[start : at + 40])}"


def _headers(subject: str, answer: Answer) -> str:
    lines = [
        f"{name}: {'<count>' if RATE.fullmatch(name) else _masked(value, subject)}"
        for name, value in answer.headers
        if name not in VOLATILE and name not in {"set-cookie", "content-length"}
    ]
    return "\n".join(sorted(lines))


def _cookies(answer: Answer) -> str:
    set_ones = [value for name, value in answer.headers if name == "set-cookie"]
    names = [value.partition("=")[0] + "; " + "; ".join(_attributes(value)) for value in set_ones]
    return "\n".join(sorted(names))


def _attributes(cookie: str) -> list[str]:
    return [
        COUNTED.sub("N", part.strip().lower())
        for part in cookie.split(";")[1:]
        if "expires" not in part.lower()
    ]


def _body(subject: str, answer: Answer) -> str:
    return _masked(answer.text, subject)


def _masked(text: str, subject: str) -> str:
    """The subject goes in any of the forms in which a server may say it back, in any case."""
    forms = {
        subject,
        quote(subject, safe=""),
        quote_plus(subject),
        escape(subject),
        json.dumps(subject)[1:-1],
    }
    for form in sorted(forms - {""}, key=len, reverse=True):
        text = re.sub(re.escape(form), "<subject>", text, flags=re.IGNORECASE)
    return ONCE.sub("<once>", TIME.sub("<time>", text))
