"""One request on its way through the portal, and what may come of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request

from keelwatch.sandbox.portal.routes import CHANNELS, UNKNOWN_SEGMENT
from keelwatch.sandbox.service import trace
from keelwatch.sandbox.service.trace import Trace

LARGEST_BODY = 16_384
MOST_FIELDS = 40
LONGEST_TEXT = 200
LONGEST_TOKEN = 4000
TRAFFIC = ("probe", "load")


class Refusal(Exception):
    """The request is refused, with this status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Cookie:
    """Set for this host, over TLS, out of reach of scripts; an empty value takes it away."""

    name: str
    value: str
    seconds: int = 0
    path: str = "/"


@dataclass(frozen=True, slots=True)
class Reply:
    """`body` is a JSON object, or the text of an HTML page."""

    body: Mapping[str, object] | str
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[Cookie, ...] = ()


@dataclass(slots=True)
class Call:
    """`segment` and `subject` (a pseudonym) are filled in once the customer is known."""

    request: Request
    trace: Trace
    traffic: str
    channel: str
    segment: str = UNKNOWN_SEGMENT
    subject: str = "-"

    @classmethod
    def of(cls, request: Request) -> Call:
        traffic = request.headers.get("keelwatch-traffic", "")
        channel = request.headers.get("keelwatch-channel", "")
        return cls(
            request=request,
            trace=trace.taken_over(request.headers.get(trace.HEADER)),
            traffic=traffic if traffic in TRAFFIC else "real",
            channel=channel if channel in CHANNELS else "web",
        )

    @property
    def base(self) -> str:
        """Scheme and host as the client wrote them, without a slash at the end."""
        scheme = self.request.headers.get("x-forwarded-proto", self.request.url.scheme)
        return f"{scheme}://{self.request.headers.get('host', self.request.url.netloc)}"

    @property
    def is_json(self) -> bool:
        return self.request.headers.get("content-type", "").partition(";")[0].strip() == "application/json"

    def query(self, name: str) -> str:
        """Empty when it is missing. Raises `Refusal` (400) for what no text column may hold."""
        found = self.request.query_params.get(name, "")
        if len(found) > LONGEST_TOKEN or not _can_be_stored(found):
            raise Refusal(400, f"{name} is too long or malformed")
        return found

    async def document(self) -> tuple[bytes, Mapping[str, object]]:
        """The body as sent, and as a JSON object. Raises `Refusal` (400, 413)."""
        body = await self._body()
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            raise Refusal(400, "the body is not JSON") from None
        if not isinstance(found, dict):
            raise Refusal(400, "the body is not a JSON object")
        return body, found

    async def fields(self) -> Mapping[str, object]:
        """The fields of a posted form, or of a JSON object. Raises `Refusal` (400, 413)."""
        if self.is_json:
            return (await self.document())[1]
        try:
            return dict(parse_qsl((await self._body()).decode(), max_num_fields=MOST_FIELDS))
        except ValueError:
            raise Refusal(400, "the body is not a form") from None

    async def _body(self) -> bytes:
        body = b""
        async for chunk in self.request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise Refusal(413, "the body is too large")
        return body


def text_of(document: Mapping[str, object], name: str, longest: int = LONGEST_TEXT) -> str:
    """The text called `name`. Raises `Refusal` (400)."""
    found = document.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= longest or not _can_be_stored(found):
        raise Refusal(400, f"{name} is missing or not a text of at most {longest} characters")
    return found


def _can_be_stored(text: str) -> bool:
    """JSON can hold what neither PostgreSQL nor UTF-8 can: zeros and halves of characters."""
    return "\0" not in text and not any("\ud800" <= letter <= "\udfff" for letter in text)


def moved(path: str, cookies: tuple[Cookie, ...] = (), **query: str) -> Reply:
    """A redirect to a path of this portal: never to another host."""
    location = f"{path}?{urlencode(query)}" if query else path
    return Reply({}, 302, {"location": location, "cache-control": "no-store"}, cookies)
