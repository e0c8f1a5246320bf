"""One request that changes something, over HTTP: sent once, and answered or not, within one deadline.

No redirect is followed, no proxy of the environment is used, and nothing is sent twice: what a request
without an answer means is for its caller to decide.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.workspace.errors import SourceError, UnknownResult
from keelwatch.workspace.sink import redact

if TYPE_CHECKING:
    import httpx

BEGINNING = 300  # bytes of an answer that are worth showing
BODY_S = 1.0  # once the status is known, nobody waits long for the rest
SENT = "http11.send_request_headers.started"


@dataclass(frozen=True, slots=True)
class Request:
    """`name` stands for it in what is said and recorded; the rest may be secret, and never is. `ca` is what
    signs the other side's certificate: None for whom the host trusts."""

    name: str
    method: str
    url: str = field(repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """`beginning` is that of the body: on one line, and without any secret that is known."""

    status: int
    beginning: str

    @property
    def words(self) -> str:
        return f"{self.status}: {self.beginning}" if self.beginning else str(self.status)


@dataclass(slots=True)
class _Exchange:
    """How far it came."""

    was_sent: bool = False
    status: int | None = None
    body: bytes = b""

    async def note(self, event: str, _about: object) -> None:
        self.was_sent = self.was_sent or event == SENT


def send(request: Request, within_s: float) -> Reply:
    """Raises `SourceError` when it never left, `UnknownResult` when it did and no answer came."""
    # Not asyncio.run: it would wait for a name that does not resolve, however long that takes.
    loop = asyncio.new_event_loop()
    exchange = _Exchange()
    try:
        loop.run_until_complete(_converse(request, within_s, exchange))
    except Exception as error:  # noqa: BLE001 -- whatever it is, it becomes one of our two errors
        if exchange.status is None:
            raise _failure(request, exchange, error, within_s) from None
    finally:
        loop.close()
    assert exchange.status is not None
    return Reply(exchange.status, _line(exchange.body))


def reach(name: str, host: str, port: int, within_s: float) -> None:
    """Connects and hangs up: somebody listens there. Raises `SourceError` when nobody does."""
    loop = asyncio.new_event_loop()  # as in `send`
    try:
        loop.run_until_complete(_touch(host, port, within_s))
    except Exception as error:  # noqa: BLE001 -- as in `send`
        raise _not_sent(name, _why(error, within_s) or f"no connection ({type(error).__name__})") from None
    finally:
        loop.close()


async def _touch(host: str, port: int, within_s: float) -> None:
    async with asyncio.timeout(within_s):
        _, writer = await asyncio.open_connection(host, port, all_errors=True)
        writer.close()
        await writer.wait_closed()


async def _converse(request: Request, within_s: float, exchange: _Exchange) -> None:
    import httpx

    async with (
        asyncio.timeout(within_s),
        httpx.AsyncClient(verify=_trust(request), trust_env=False, timeout=None) as client,  # noqa: S113
        client.stream(
            request.method,
            request.url,
            content=request.body,
            headers={"user-agent": "keelwatch", "accept-encoding": "identity", **request.headers},
            extensions={"trace": exchange.note},
        ) as response,
    ):
        exchange.status = response.status_code
        await _read_beginning(response, exchange)


async def _read_beginning(response: httpx.Response, exchange: _Exchange) -> None:
    async with asyncio.timeout(BODY_S):
        async for chunk in response.aiter_raw():
            exchange.body += chunk[: BEGINNING - len(exchange.body)]
            if len(exchange.body) >= BEGINNING:
                return


def _trust(request: Request) -> ssl.SSLContext | bool:
    if not request.url.startswith("https:"):
        return True
    if request.ca is not None:
        return ssl.create_default_context(cafile=request.ca)
    # None is the host's trust; a slim container has none of its own, and httpx always brings some.
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    has_own = paths.cafile or (folder is not None and any(folder.iterdir()))
    return ssl.create_default_context() if has_own else True


def _failure(
    request: Request, exchange: _Exchange, error: Exception, within_s: float
) -> SourceError | UnknownResult:
    why = _why(error, within_s) or f"the connection broke ({type(error).__name__})"
    if exchange.was_sent:
        return UnknownResult(f"{request.name}: sent, and {why}; it may have been carried out")
    return _not_sent(request.name, why)


def _not_sent(name: str, why: str) -> SourceError:
    return SourceError(f"{name}: {why}; nothing was sent", "is it up, and is its address right?")


def _why(error: Exception, within_s: float) -> str:
    """In words that hold no part of the request; empty for what has none."""
    for one in _causes(error):
        match one:
            case TimeoutError():
                return f"no answer within {within_s:g} s"
            case ssl.SSLCertVerificationError():
                return f"its certificate is not trusted ({one.verify_message})"
            case socket.gaierror():
                return "its name does not resolve"
            case ConnectionRefusedError():
                return "the connection is refused"
            case FileNotFoundError():
                return "the file of its CA is missing"
            case _:
                continue
    return ""


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Itself and what lies beneath."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for inner in error.exceptions:
                yield from _causes(inner)
        error = error.__cause__ or error.__context__


def _line(body: bytes) -> str:
    text = redact(body.decode(errors="replace"))
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())
