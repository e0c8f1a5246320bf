"""Which URLs a source may have. A URL is shown on screens and in errors, so it must not hold a secret."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

PATTERN = r"^https?://[^\s/?#@]+(/[^\s?#]*)?$"  # for JSON Schema; `flaw` is stricter
EXPECTED = "a URL like https://prometheus.example:9090"

_HOST = re.compile(r"\w[\w.-]*|[0-9a-fA-F:][0-9a-fA-F:.]*")


def flaw(url: str) -> str:
    """What is wrong with `url`, without repeating any of it, or an empty text."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return "a text that is no URL"
    if "@" in parts.netloc:
        return "a URL with a user name or password in it"
    if "?" in url or "#" in url:
        return "a URL with a query or fragment"
    well_formed = _HOST.fullmatch(host) and port != 0 and not parts.netloc.endswith(":")
    if not url.startswith(("http://", "https://")) or not well_formed:
        return "a text that is no http:// or https:// URL with a host"
    # Not printable: control characters, and what is left of bytes that are not UTF-8.
    return "a URL with blanks in it" if " " in url or not url.isprintable() else ""
