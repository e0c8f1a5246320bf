"""`http.call`: a request that changes something, which its target carries out once, however often sent."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from keelwatch.adapters.arguments import PLACE, entrance_in, root_in, statuses, strict, word, words_by_name
from keelwatch.adapters.http import Reply, Request, reach, send
from keelwatch.adapters.patience import Deadline
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.entrance import address_of
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError, UnknownResult, UsageError
from keelwatch.workspace.reading import Condition
from keelwatch.workspace.secret import resolve

NAME = "http.call"
KNOWN = ("method", "url", "region", "headers", "bearer", "body", "status", "key_header")
METHODS = ("post", "put", "patch", "delete")
SETTLE_S = 16.0
WHOLE_S = 15.0  # the token may have to be fetched by a command
ANSWER_S = 10.0
REACH_S = 2.0
NO_ANSWER = frozenset({502, 504})
"""What a gateway says that sent it on and heard nothing: that is no answer of the target's."""
OURS = frozenset({"authorization", "content-type", "content-length", "transfer-encoding", "host"})
HEADER_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Wish:
    """What the arguments ask for. `status` is empty for any 2xx; `bearer` is a reference, or empty."""

    method: str
    url: str
    ca: Path | None
    headers: Mapping[str, str]
    bearer: str
    body: object
    status: frozenset[int]
    key_header: str

    @property
    def name(self) -> str:
        """Without the query, which may say more than a record should."""
        return f"{self.method} {urlsplit(self.url)._replace(query='', fragment='').geturl()}"

    @property
    def wanted(self) -> str:
        return " or ".join(map(str, sorted(self.status))) if self.status else "2xx"

    def accepts(self, status: int) -> bool:
        return status in self.status if self.status else 200 <= status < 300


@dataclass(frozen=True, slots=True)
class CallVerb:
    """Every attempt of a step carries the same key, so the target acts once.

    Arguments: `url` (or a path of the portal, with `region` at that region's own entrance), `method` (post),
    `headers`, `bearer` (a reference to the token), `body` (sent as JSON), `status` (wanted; 2xx),
    `key_header` (Idempotency-Key).
    """

    name: str = NAME
    effect: EffectClass = EffectClass.KEYED
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        wish = _wish(args)
        size = f" with {len(_document(wish.body))} bytes of JSON" if wish.body is not None else ""
        summary = (
            f"{wish.name}{size}, one {wish.key_header} for all attempts; it must answer {wish.wanted}. "
            "What comes of it, the target alone knows"
        )
        return Prediction(wish.name, {}, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        wish, deadline = _wish(args), Deadline.within(WHOLE_S)
        key = token_of(attempt.key)
        request = _request(wish, key, root_in(args))
        reply = send(request, deadline.sooner(ANSWER_S).left_s)
        _refuse_other(wish, reply)
        return {"status": reply.status, "key": key}

    def check(self, args: JsonObject) -> Condition:
        return Condition.unknown("only the target knows whether it was carried out")

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        wish = _wish(args)
        secret = needed_secret(wish.bearer, root_in(args))
        _, host, port = address_of(wish.url)
        reach(wish.name, host, port, REACH_S)
        return (wish.name, *secret)


def token_of(key: str) -> str:
    """What the target is told to know the step by: the same for each attempt, and no name of ours."""
    return hashlib.sha256(key.encode()).hexdigest()[:32]


def needed_secret(reference: str, root: Path) -> tuple[str, ...]:
    """Says that the secret is needed. Raises `SourceError` when it is not there, as far as that can be told
    without running a command of somebody's."""
    if not reference:
        return ()
    if not reference.startswith("command:"):
        resolve(reference, root)
    return (f"the secret {reference}",)


def _request(wish: Wish, key: str, root: Path) -> Request:
    headers = {**wish.headers, wish.key_header: key}
    if wish.bearer:
        headers["authorization"] = f"Bearer {resolve(wish.bearer, root).reveal()}"
    if wish.body is None:
        return Request(wish.name, wish.method, wish.url, headers, None, wish.ca)
    headers["content-type"] = "application/json"
    return Request(wish.name, wish.method, wish.url, headers, _document(wish.body), wish.ca)


def _document(body: object) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


def _refuse_other(wish: Wish, reply: Reply) -> None:
    """Raises for a status that is not wanted; a redirect is one, and is not followed."""
    if wish.accepts(reply.status):
        return
    if reply.status in NO_ANSWER:
        raise UnknownResult(f"{wish.name}: a gateway answered {reply.words}; it may have been carried out")
    raise SourceError(
        f"{wish.name} answered {reply.words}; wanted {wish.wanted}", "see the target's own log for the key"
    )


def _wish(args: JsonObject) -> Wish:
    strict(args, *KNOWN)
    url, ca = _where(args)
    method = word(args, "method", METHODS[0]).lower()
    if method not in METHODS:
        raise UsageError(f"the argument 'method' must be one of {', '.join(METHODS)}, got {method!r}")
    headers, key_header = words_by_name(args, "headers"), word(args, "key_header", "Idempotency-Key")
    _refuse_headers(headers, key_header)
    return Wish(
        method=method.upper(),
        url=url,
        ca=ca,
        headers=headers,
        bearer=word(args, "bearer", ""),
        body=args.get("body"),
        status=statuses(args, "status"),
        key_header=key_header,
    )


def _refuse_headers(headers: Mapping[str, str], key_header: str) -> None:
    """What cannot be sent, and what is said elsewhere: twice would leave the choice to the target."""
    for name, value in {**headers, key_header: ""}.items():
        if not HEADER_NAME.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise UsageError(
                f"the header {name!r} cannot be sent", "one line of ASCII, and a name of letters"
            )
    for name in headers:
        if name.lower() in OURS | {key_header.lower()}:
            raise UsageError(
                f"the header {name} is not yours to set", "see `bearer`, `body` and `key_header`"
            )


def _where(args: JsonObject) -> tuple[str, Path | None]:
    """The URL, and who signs for it. A path never leads out of the environment."""
    url, region = word(args, "url"), word(args, "region", "")
    if url.startswith("/"):
        entrance = entrance_in(args)
        whole = (entrance.base(region) if region else entrance.edge).rstrip("/") + url
        if _address(whole) not in entrance.hosts:
            raise Refused(f"{url} leads out of {args[PLACE[1]]}", "write the whole URL if it is meant")
        return whole, entrance.ca
    address = _address(url)
    if "@" in urlsplit(url).netloc:
        raise UsageError("a URL with a user name or password in it", "`bearer` says where the token is")
    try:
        entrance = entrance_in(args)
    except KeelwatchError:  # an environment without a portal, or one that does not run: then it is not that
        return url, None
    return url, entrance.ca if address in entrance.hosts else None


def _address(url: str) -> tuple[str, str, int]:
    try:
        return address_of(url)
    except ValueError:
        raise UsageError(f"{url!r} is no URL", "https://HOST/PATH, or a path of the portal") from None


VERBS = {verb.name: verb for verb in (CallVerb(),)}
