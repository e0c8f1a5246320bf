"""One request on its way through the portal, and what may come of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from keelwatch.sandbox.portal.routes import CHANNELS, UNKNOWN_SEGMENT
from keelwatch.sandbox.service import trace
from keelwatch.sandbox.service.trace import Trace

LARGEST_BODY = 16_384
TRAFFIC = ("probe", "load")


class Refusal(Exception):
    """The request is refused, with this status and reason."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Reply:
    body: Mapping[str, object]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)


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

    async def document(self) -> tuple[bytes, Mapping[str, object]]:
        """The body as sent, and as a JSON object. Raises `Refusal` (400, 413)."""
        body = b""
        async for chunk in self.request.stream():
            body += chunk
            if len(body) > LARGEST_BODY:
                raise Refusal(413, "the body is too large")
        try:
            found = json.loads(body)
        except (ValueError, RecursionError):
            raise Refusal(400, "the body is not JSON") from None
        if not isinstance(found, dict):
            raise Refusal(400, "the body is not a JSON object")
        return body, found


def text_of(document: Mapping[str, object], name: str, longest: int = 200) -> str:
    """The text called `name`. Raises `Refusal` (400)."""
    found = document.get(name)
    if not isinstance(found, str) or not 0 < len(found) <= longest or "\0" in found:
        raise Refusal(400, f"{name} is missing or not a text of at most {longest} characters")
    return found
