"""Request logs: JSON lines without a customer's id, token or password.

Who it was stands there as a pseudonym: an HMAC under a key that only the sandbox's layout file has. The
same customer gets the same pseudonym in every region, so a trail can be followed without knowing whose.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import logging.handlers
import time
from pathlib import Path

LARGEST_BYTES = 8_000_000
KEPT_FILES = 1


class Pseudonyms:
    def __init__(self, key: str) -> None:
        self._key = key.encode()

    def of(self, account: str) -> str:
        return hmac.new(self._key, account.encode(), hashlib.sha256).hexdigest()[:16]


class RequestLog:
    """One line per request in `<folder>/<name>.requests.jsonl`; the newest 16 MB are kept."""

    def __init__(self, folder: Path, name: str) -> None:
        path = folder / f"{name}.requests.jsonl"
        handler = logging.handlers.RotatingFileHandler(path, maxBytes=LARGEST_BYTES, backupCount=KEPT_FILES)
        handler.setFormatter(logging.Formatter("%(message)s"))
        self._logger = logging.getLogger(f"keelwatch.sandbox.requests.{name}")
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False
        self._logger.addHandler(handler)

    def write(self, **fields: object) -> None:
        self._logger.info(json.dumps({"at": round(time.time(), 3)} | fields))
