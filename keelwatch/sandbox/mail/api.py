"""The catcher's two doors: SMTP in, JSON out; both in one event loop."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from keelwatch.sandbox.mail.box import Address, Box, Letter, letter_of

if TYPE_CHECKING:
    from aiosmtpd.smtp import SMTP, Envelope, Session

LARGEST_LETTER = 1_000_000
LIMIT = 50
TO = re.compile(r'to:"?([^"\s]+)"?')


class Catcher:
    """What aiosmtpd calls for each mail."""

    def __init__(self, box: Box) -> None:
        self._box = box

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's name
        content = envelope.content
        self._box.put(letter_of(content if isinstance(content, bytes) else b"", envelope.rcpt_tos))
        return "250 caught"


class Api:
    def __init__(self, box: Box) -> None:
        self._box = box

    async def messages(self, request: Request) -> Response:
        return _listed(request, len(self._box), self._box.newest())

    async def search(self, request: Request) -> Response:
        found = TO.fullmatch(request.query_params.get("query", "").strip())
        if found is None:
            return PlainTextResponse('the query has the form to:"ADDRESS"', 400)
        letters = list(self._box.to(found[1]))
        return _listed(request, len(letters), letters)

    async def message(self, request: Request) -> Response:
        letter = self._box.get(request.path_params["id"])
        if letter is None:
            return PlainTextResponse("message not found", 404)
        return JSONResponse(
            {
                "ID": letter.id,
                "Subject": letter.subject,
                "Text": letter.text,
                "HTML": letter.html,
                "From": _address(letter.sender),
                "To": [_address(each) for each in letter.to],
                "Date": letter.at.isoformat(),
            }
        )

    async def delete(self, request: Request) -> Response:
        body = await request.body()
        try:
            ids = (await request.json()).get("IDs", []) if body else []
        except (ValueError, AttributeError):
            return PlainTextResponse("the body is not a JSON object", 400)
        if ids:
            self._box.drop(map(str, ids))
        else:
            self._box.empty()
        return PlainTextResponse("ok")


def _listed(request: Request, total: int, letters: Iterable[Letter]) -> Response:
    limit = request.query_params.get("limit", str(LIMIT))
    if not limit.isascii() or not limit.isdecimal():
        return PlainTextResponse("limit is a number", 400)
    shown = [_summary(letter) for letter in islice(letters, int(limit[:6]))]
    return JSONResponse({"total": total, "messages": shown})


def _summary(letter: Letter) -> dict[str, object]:
    return {
        "ID": letter.id,
        "From": _address(letter.sender),
        "To": [_address(each) for each in letter.to],
        "Subject": letter.subject,
        "Created": letter.at.isoformat(),
        "Snippet": letter.snippet,
    }


def _address(address: Address) -> dict[str, str]:
    return {"Name": address.name, "Address": address.address}


def make_app(box: Box, smtp_port: int) -> Starlette:
    """The API; while it lives, mail is caught on `smtp_port` of the loopback address."""
    api = Api(box)

    @asynccontextmanager
    async def catching(_app: Starlette) -> AsyncIterator[None]:
        from aiosmtpd.smtp import SMTP

        loop = asyncio.get_running_loop()
        protocol = partial(
            SMTP, Catcher(box), hostname="localhost", data_size_limit=LARGEST_LETTER, loop=loop
        )
        server = await loop.create_server(protocol, "127.0.0.1", smtp_port)
        yield
        server.close()

    routes = [
        Route("/api/v1/messages", api.messages, methods=["GET"]),
        Route("/api/v1/messages", api.delete, methods=["DELETE"]),
        Route("/api/v1/search", api.search, methods=["GET"]),
        Route("/api/v1/message/{id}", api.message, methods=["GET"]),
    ]
    return Starlette(routes=routes, lifespan=catching)
