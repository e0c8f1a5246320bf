"""Server-rendered pages: no script, no foreign resource, every value escaped."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.sandbox.portal.call import Cookie, Reply

if TYPE_CHECKING:
    from jinja2 import Environment

TEMPLATES = Path(__file__).with_name("templates")
HEADERS = {
    "cache-control": "no-store",
    "content-security-policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",  # links in mails carry a secret in their query
    "x-content-type-options": "nosniff",
}


def page(template: str, status: int = 200, cookies: tuple[Cookie, ...] = (), **values: object) -> Reply:
    """The page that `template` makes of `values`."""
    return Reply(_environment().get_template(template).render(values), status, HEADERS, cookies)


@cache
def _environment() -> Environment:
    import jinja2

    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        auto_reload=False,
    )
