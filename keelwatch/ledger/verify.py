"""Is the ledger what was written? Finds the first fact that was changed, removed or reordered."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from keelwatch.ledger.fact import GENESIS, FactKind, chain_hash, parse_object, sha
from keelwatch.ledger.store import LedgerStore, RawEvent
from keelwatch.workspace.errors import UsageError


class Anchor(NamedTuple):
    """A point of the chain, noted somewhere else: `seq:hash`."""

    seq: int
    hash: str

    def __str__(self) -> str:
        return f"{self.seq}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Anchor:
        """Raises `UsageError` for what is no anchor."""
        seq, _, digest = text.strip().partition(":")
        if not (seq.isascii() and seq.isdecimal()) or len(digest) != len(GENESIS):
            raise UsageError(f"{text!r} is no anchor", "an anchor is seq:hash, as printed by: audit anchor")
        return cls(int(seq), digest)


@dataclass(frozen=True, slots=True)
class Flaw:
    """The first fact that is not as it was written, and in what way."""

    seq: int
    why: str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    count: int
    head: Anchor
    flaw: Flaw | None


def anchor(store: LedgerStore) -> Anchor:
    """The head of the chain; keep it where the owner of the file cannot write."""
    return Anchor(*store.head())


def verify(store: LedgerStore, known: Anchor | None = None) -> VerifyReport:
    """Walk the whole chain. With `known`, an anchor kept elsewhere, a cut tail and a chain
    rewritten from the start are found too; without one they cannot be."""
    return verify_events(store.events(), known)


def verify_events(events: Iterable[RawEvent], known: Anchor | None = None) -> VerifyReport:
    seq, prev, count = 0, GENESIS, 0
    unexplained: dict[int, str] = {}
    flaw: Flaw | None = None
    for event in events:
        flaw = _flaw(event, seq, prev) or _off_anchor(event, known)
        if flaw:
            break
        seq, prev, count = seq + 1, str(event.hash), count + 1
        if event.payload is None:
            unexplained[seq] = "its payload is gone and no redaction says why"
        elif (redacted := _redaction(event)) is not None:
            unexplained.pop(redacted, None)
    if flaw is None and known is not None and known.seq > seq:
        flaw = Flaw(seq + 1, f"the tail is cut: the anchor knows {known.seq} facts, {seq} are here")
    if unexplained and (flaw is None or min(unexplained) < flaw.seq):
        first = min(unexplained)
        flaw = Flaw(first, unexplained[first])
    return VerifyReport(count, Anchor(seq, prev), flaw)


def _flaw(event: RawEvent, last: int, prev: str) -> Flaw | None:
    expected = last + 1
    if event.seq != expected:
        return Flaw(expected, f"it is missing: after fact {last} comes {event.seq}")
    if event.prev != prev:
        return Flaw(expected, "it does not follow the fact before it: one of them was replaced or moved")
    fields = (event.run, event.kind, event.actor, event.payload_sha)
    if not isinstance(event.at, float) or not all(isinstance(field, str) for field in fields):
        return Flaw(expected, "it holds values of the wrong type")
    run, kind, actor, payload_sha = (str(field) for field in fields)
    if chain_hash(expected, event.at, run, kind, actor, payload_sha, prev) != event.hash:
        return Flaw(expected, "its time, run, kind, actor or hash was changed")
    if event.payload is not None and sha(str(event.payload)) != payload_sha:
        return Flaw(expected, "its payload was changed")
    return None


def _off_anchor(event: RawEvent, known: Anchor | None) -> Flaw | None:
    if known is None or event.seq != known.seq or event.hash == known.hash:
        return None
    return Flaw(known.seq, "it is not the fact that was anchored: the chain was written anew")


def _redaction(event: RawEvent) -> int | None:
    if event.kind != FactKind.NOTE or event.run != "":
        return None
    try:
        payload = parse_object(str(event.payload))
    except ValueError:
        return None
    seq = payload.get("seq")
    return seq if payload.get("event") == "redacted" and isinstance(seq, int) else None
