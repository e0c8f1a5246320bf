"""The mails that were caught. Values in, values out."""

from __future__ import annotations

import email
import email.policy
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import getaddresses

MOST = 2000
SNIPPET = 160


@dataclass(frozen=True, slots=True)
class Address:
    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Letter:
    """`to` are those it was delivered to, which a blind copy's header does not tell."""

    id: str
    sender: Address
    to: tuple[Address, ...]
    subject: str
    text: str
    html: str
    at: datetime

    @property
    def snippet(self) -> str:
        return " ".join(self.text.split())[:SNIPPET]


class Box:
    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._letters: OrderedDict[str, Letter] = OrderedDict()

    def __len__(self) -> int:
        return len(self._letters)

    def put(self, letter: Letter) -> None:
        """The oldest goes when there are too many."""
        self._letters[letter.id] = letter
        while len(self._letters) > self._most:
            self._letters.popitem(last=False)

    def newest(self) -> Iterator[Letter]:
        return reversed(self._letters.values())

    def to(self, address: str) -> Iterator[Letter]:
        """Those to exactly `address`, whatever its case; the newest first."""
        wanted = address.lower()
        return (one for one in self.newest() if any(each.address.lower() == wanted for each in one.to))

    def get(self, id_: str) -> Letter | None:
        return self._letters.get(id_)

    def drop(self, ids: Iterable[str]) -> None:
        for id_ in ids:
            self._letters.pop(id_, None)

    def empty(self) -> None:
        self._letters.clear()


def letter_of(content: bytes, receivers: Iterable[str], at: datetime | None = None) -> Letter:
    """The letter that `content` (RFC 5322) is; what cannot be read of it is left out."""
    message = email.message_from_bytes(content, policy=email.policy.default)
    named = {address.lower(): name for name, address in _addresses(message, "To")}
    senders = _addresses(message, "From")
    sender = Address(*senders[0]) if senders else Address("", "")
    to = tuple(Address(named.get(each.lower(), ""), each) for each in receivers)
    return Letter(
        id=secrets.token_hex(11),
        sender=sender,
        to=to,
        subject=str(message.get("Subject", "")),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        at=at or datetime.now(UTC),
    )


def _addresses(message: EmailMessage, header: str) -> list[tuple[str, str]]:
    return getaddresses([str(value) for value in message.get_all(header, [])])


def _part(message: EmailMessage, kind: str) -> str:
    found = message.get_body((kind,))
    if found is None:
        return ""
    try:
        return str(found.get_content()).replace("\r\n", "\n")
    except (LookupError, ValueError, KeyError):
        return ""
