"""Which writes were lost: told in full, however many there are."""

from __future__ import annotations

import pytest

from console.rehearsal import require_no_loss
from keelwatch.adapters.heartbeat import Beat
from keelwatch.workspace import SourceError
from runbooks.conduct.measure import ranges


def test_neighbours_that_one_region_acknowledged_stand_together() -> None:
    beats = [Beat(n, float(n), "west") for n in (*range(1, 601), 700)] + [Beat(701, 701.0, "east")]
    assert [(one["first"], one["last"], one["region"]) for one in ranges(beats)] == [
        (1, 600, "west"),
        (700, 700, "west"),
        (701, 701, "east"),
    ]
    assert (ranges(beats)[0]["since"], ranges(beats)[0]["until"]) == (1.0, 600.0)
    assert ranges([]) == []


def test_a_rehearsal_that_may_lose_nothing_wants_to_know_that_it_did() -> None:
    require_no_loss({"lost_writes": 0})
    with pytest.raises(SourceError, match="3 acknowledged writes are lost"):
        require_no_loss({"lost_writes": 3})
    with pytest.raises(SourceError, match="nobody can tell what is lost: no primary answers"):
        require_no_loss({"lost_writes": None, "rpo_unknown_reason": "no primary answers"})
