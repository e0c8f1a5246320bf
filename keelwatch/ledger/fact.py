"""Facts: their kinds, their canonical text, and the hashes that chain them."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import cast

from keelwatch.workspace.errors import InternalError
from keelwatch.workspace.sink import redact

type Json = bool | int | float | str | Sequence[Json] | Mapping[str, Json] | None
type JsonObject = Mapping[str, Json]

GENESIS = "0" * 64
SALT_KEY = "~salt"  # within the stored text, after everything a payload says
SALT_BYTES = 16
MASK = "***"


class FactKind(StrEnum):
    """What an entry of the ledger says; the sub-type of a note or lease is its payload's `event`."""

    INTENT = "intent"
    RESULT = "result"
    COMMAND = "command"
    LEASE = "lease"
    APPROVAL = "approval"
    VERDICT = "verdict"
    NOTE = "note"


@dataclass(frozen=True, slots=True)
class Fact:
    """One entry. `at` is Unix time (s), `run` is empty for what belongs to no run, and
    `payload` is None once redacted (its sha stays, and the chain with it)."""

    seq: int
    at: float
    run: str
    kind: FactKind
    actor: str
    payload: JsonObject | None
    payload_sha: str
    prev: str
    hash: str

    @property
    def body(self) -> JsonObject:
        """The payload, or an empty object when it was redacted."""
        return self.payload if self.payload is not None else {}

    @property
    def event(self) -> str:
        """The sub-type of a lease, note or command; empty when it has none."""
        event = self.body.get("event")
        return event if isinstance(event, str) else ""


@dataclass(frozen=True, slots=True)
class Fence:
    """The right to write as long as `epoch` is the newest one of `scope`."""

    scope: str
    epoch: int


def canonical(value: Json) -> str:
    """The one text of a JSON value: sorted keys, no spaces, ASCII, secrets masked.

    Raises `InternalError` for what JSON cannot say (NaN, bytes, objects).
    """
    try:
        return json.dumps(_masked(value), sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise InternalError(f"a payload cannot be written as JSON: {error}") from None


def _masked(value: Json) -> Json:
    """Leaf by leaf, so that masking never breaks the JSON around a secret."""
    match value:
        case str():
            return redact(value)
        case None | bool():
            return value
        case int() | float():
            return MASK if redact(str(value)) != str(value) else value
        case Mapping():
            return {redact(key): _masked(inner) for key, inner in value.items()}
        case Sequence() if not isinstance(value, bytes | bytearray):
            return [_masked(inner) for inner in value]
    return value  # not JSON; json.dumps will say so


def parse_object(text: str) -> JsonObject:
    """A payload back from its text. Raises ValueError when it is no JSON object."""
    value: object = json.loads(text)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return cast("JsonObject", value)


def salted(text: str) -> str:
    """The canonical text of a payload as it is stored: with a random salt of its own.

    `payload_sha` covers the salt, and redaction drops both; what is left of a short value (a name, a
    number) is then a hash that no list of guesses can be tried against.
    """
    salt = os.urandom(SALT_BYTES).hex()
    comma = "" if text == "{}" else ","
    return f'{text[:-1]}{comma}"{SALT_KEY}":"{salt}"}}'


def parse_payload(text: str) -> tuple[JsonObject, str]:
    """A stored payload and its salt, which is empty for a fact from before there were salts.

    Raises ValueError when it is no JSON object.
    """
    stored = dict(parse_object(text))
    salt = stored.pop(SALT_KEY, "")
    return stored, str(salt)


def sha(text: str) -> str:
    """Of the bytes that `text` was read from, also where somebody made them no UTF-8."""
    return hashlib.sha256(text.encode(errors="surrogateescape")).hexdigest()


def chain_hash(seq: int, at: float, run: str, kind: str, actor: str, payload_sha: str, prev: str) -> str:
    """Covers everything of a fact but the payload itself, which is covered by its sha; so a payload
    can be dropped and the chain still verifies."""
    fields = [seq, at, run, kind, actor, payload_sha, prev]
    return sha(json.dumps(fields, separators=(",", ":")))
