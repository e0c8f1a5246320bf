"""A small portal in a thread: what the engine's promises are tried on. It can be slow, lie and break."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import urlsplit

from tests.sentinel import SENTINEL

type Reply = tuple[int, Mapping[str, object] | str]
"""A status and a document, or a page."""


@dataclass
class Asked:
    method: str
    path: str
    headers: Mapping[str, str]
    body: object


@dataclass
class Shop:
    """`plans` by account; `log` is every request in order. `before` may hold up or replace an answer."""

    plans: dict[str, str] = field(default_factory=lambda: {"ada": "basic", "bob": "basic"})
    log: list[Asked] = field(default_factory=list)
    before: Callable[[Asked], Reply | None] = lambda _: None
    password: str = SENTINEL  # so that everything a test run wrote is searched for it
    url: str = ""

    def asked(self, method: str, path: str) -> list[Asked]:
        return [one for one in self.log if (one.method, one.path) == (method, path)]

    def answer(self, asked: Asked) -> Reply:
        if (reply := self.before(asked)) is not None:
            return reply
        account = asked.headers.get("authorization", "").removeprefix("Bearer token-of-")
        match asked.method, asked.path:
            case "POST", "/v1/login":
                assert isinstance(asked.body, dict)
                if asked.body["password"] != self.password or asked.body["account"] not in self.plans:
                    return 401, {"error": "account or password is wrong"}
                return 200, {"token": f"token-of-{asked.body['account']}"}
            case "POST", "/v1/logout":
                return 200, {}
            case _ if account not in self.plans:
                return 401, {"error": "no valid session"}
            case "GET", "/plan":
                return 200, {"plan": self.plans[account]}
            case "PUT", "/plan":
                assert isinstance(asked.body, dict)
                self.plans[account] = str(asked.body["plan"])
                return 200, {"plan": self.plans[account]}
            case "GET", "/slow":
                time.sleep(3)
                return 200, {}
        return 404, {"error": "nothing here"}


class Running:
    """The shop, served on loopback until closed."""

    def __init__(self, shop: Shop) -> None:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # head and body in one piece, or the kernel holds back the second

            def handle_any(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                raw = self.rfile.read(length)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(
                    self.command, urlsplit(self.path).path, headers, json.loads(raw) if raw else None
                )
                shop.log.append(asked)
                status, body = shop.answer(asked)
                is_page = isinstance(body, str)
                text = body.encode() if isinstance(body, str) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if is_page else "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815 the base class's names

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 the base class's name
                pass

        class Quiet(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, request: object, client_address: object) -> None:
                pass

        self._server = Quiet(("127.0.0.1", 0), Handler)
        shop.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
