"""W3C trace context: one trace id through every hop of a request."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

HEADER = "traceparent"
VALID = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
NOTHING = ("0" * 32, "0" * 16)


@dataclass(frozen=True, slots=True)
class Trace:
    """This hop's place in a trace; `parent` is the caller's span, '' at the start of a trace."""

    trace_id: str
    span: str
    parent: str
    flags: str

    @property
    def header(self) -> str:
        """What the next hop gets, and what the customer gets back."""
        return f"00-{self.trace_id}-{self.span}-{self.flags}"


def taken_over(header: str | None) -> Trace:
    """The trace of an incoming request; a new one when the header is missing or malformed."""
    span = secrets.token_hex(8)
    found = VALID.fullmatch(header or "")
    if found is None or found[1] == NOTHING[0] or found[2] == NOTHING[1]:
        return Trace(secrets.token_hex(16), span, "", "01")
    return Trace(found[1], span, found[2], found[3])
