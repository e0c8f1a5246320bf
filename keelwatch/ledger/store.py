"""What every ledger can do, whatever keeps it. Kept narrow so that a second store stays small;
`tests/ledger/conformance.py` says the same in tests, and any store must pass it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from keelwatch.ledger.fact import Fact, FactKind, Fence, JsonObject


@dataclass(frozen=True, slots=True)
class RawEvent:
    """A row as it stands in the store, unparsed: what `verify` must look at."""

    seq: object
    at: object
    run: object
    kind: object
    actor: object
    payload: object
    payload_sha: object
    prev: object
    hash: object


class LedgerStore(Protocol):
    """All methods raise `SourceError` when the store cannot be used (gone, full, locked, corrupt).

    `patience_s` is how long a write waits for other writers before it says so.
    """

    patience_s: float

    def append(
        self, run: str, kind: FactKind, payload: JsonObject, *, actor: str, fences: Sequence[Fence] = ()
    ) -> Fact:
        """Write one fact and sync it; it is on the disk when this returns.

        Raises `Fenced`, having written nothing, when one of `fences` is no longer the newest epoch.
        """

    def raise_epoch(self, scope: str, run: str, payload: JsonObject, *, actor: str) -> Fact:
        """Append a lease fact whose `scope` and `epoch` are set here, one above the last epoch."""

    def lease(self, scope: str) -> Fact | None:
        """The newest lease fact of `scope`; None when it was never leased."""

    def after(self, seq: int, *, run: str | None = None, kinds: Sequence[FactKind] = ()) -> Iterator[Fact]:
        """Facts above `seq`, rising; only those of `run` and of `kinds` when given."""

    def runs_with(self, kind: FactKind) -> tuple[str, ...]:
        """Ids of the runs that have a fact of `kind`, sorted."""

    def head(self) -> tuple[int, str]:
        """Seq and hash of the last fact; (0, 64 zeros) of an empty ledger."""

    def redact(self, seq: int, reason: str, *, actor: str) -> Fact:
        """Drop the payload of fact `seq` and its salt, and append the fact that says so, in one transaction.

        That fact's `salted` is false when the dropped one was older than salts: its hash then still lets
        somebody try guesses at a short value.

        Raises `UsageError` when there is no such fact; `Refused` for a lease (it fences), a redaction, one
        that is redacted already, and any fact of a run that acted and has not ended with nothing left (its
        undo rests on them).
        """

    def events(self) -> Iterator[RawEvent]:
        """Every row, rising by seq, unparsed."""

    def close(self) -> None: ...
