"""A ledger on a filesystem that fills up: `python -m tests.ledger.full_disk DISK`; see tests/tiny_disk.py."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from keelwatch.ledger import Access, SqliteLedger, open_ledger, verify
from keelwatch.workspace import SourceError
from tests.ledger.conformance import note
from tests.tiny_disk import fill, free

MOST = 200  # appends that may still fit into blocks the file has already


def main(disk: Path) -> None:
    path = disk / "ledger.sqlite"
    store = open_ledger(path)
    note(store, "one")
    fill(disk)
    kept = 1 + _append_until_refused(store)

    assert [fact.seq for fact in store.after(0)] == list(range(1, kept + 1))
    for access in Access:  # another program may still come and look
        with_it = open_ledger(path, access)
        assert verify(with_it).count == kept
        with_it.close()
    with pytest.raises(SourceError) as caught:
        open_ledger(disk / "new.sqlite")
    assert "free some space" in caught.value.hint

    free(disk)
    assert note(store, "after").seq == kept + 1
    assert verify(store).flaw is None
    store.close()


def _append_until_refused(store: SqliteLedger) -> int:
    with pytest.raises(SourceError) as caught:
        _append(store, MOST)
    assert "free some space" in caught.value.hint
    return store.head()[0] - 1


def _append(store: SqliteLedger, count: int) -> None:
    for _ in range(count):
        note(store, "x" * 1000)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
