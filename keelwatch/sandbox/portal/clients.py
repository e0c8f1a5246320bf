"""Who may ask for tokens, and where a login may lead. All are public clients: PKCE is what proves them."""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import urlsplit

PAGES = "portal-web"
CALLBACK = "/callback"
REDIRECTS: Mapping[str, str] = {"keelwatch-probe": "/app/callback", PAGES: CALLBACK}


def redirect_of(client: str, asked: str) -> str | None:
    """The path to which `client` is sent back; None when it may not ask for `asked`.

    Compared by path: the portal answers at several addresses, and redirects only within the one asked.
    """
    try:
        path = urlsplit(asked).path
    except ValueError:
        return None
    return path if REDIRECTS.get(client) == path else None
