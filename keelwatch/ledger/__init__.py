"""Remember: facts, appended once, chained by hash, never changed.

Promises: an append that returned is on the disk; a changed, removed or reordered fact is found by
`verify`; a writer whose lease was passed on is `Fenced`. It never retries what may have been written
and never knows what a fact is about: meaning belongs to `keelwatch.runs` and the rooms above.
"""

from keelwatch.ledger.actor import current_actor
from keelwatch.ledger.fact import Fact, FactKind, Fence, Json, JsonObject, canonical
from keelwatch.ledger.sqlite import Access, SqliteLedger, open_ledger
from keelwatch.ledger.store import LedgerStore
from keelwatch.ledger.verify import Anchor, Flaw, VerifyReport, anchor, verify

__all__ = [
    "Access",
    "Anchor",
    "Fact",
    "FactKind",
    "Fence",
    "Flaw",
    "Json",
    "JsonObject",
    "LedgerStore",
    "SqliteLedger",
    "VerifyReport",
    "anchor",
    "canonical",
    "current_actor",
    "open_ledger",
    "verify",
]
