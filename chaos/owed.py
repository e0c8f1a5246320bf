"""The rollbacks of its own that an experiment owes, told from the facts of a run that died. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from keelwatch.ledger import FactKind
from keelwatch.runs.fields import text, texts

if TYPE_CHECKING:
    from keelwatch.ledger import Fact

OWED = "rollbacks"
"""The note that names them, before anything is done."""


def owed_in(facts: Iterable[Fact]) -> tuple[str, ...]:
    """In words; none before the method has begun, for then nothing was broken."""
    owed: list[str] = []
    has_begun = False
    for fact in facts:
        if fact.kind is not FactKind.NOTE:
            continue
        match fact.event, text(fact.body, "phase"):
            case event, _ if event == OWED:
                owed = list(texts(fact.body, "owed"))
            case "phase", "method":
                has_begun = True
            case "step", "rollbacks" if text(fact.body, "state") == "succeeded":
                name = text(fact.body, "name")
                owed = owed[: owed.index(name)] + owed[owed.index(name) + 1 :] if name in owed else owed
    return tuple(f"rollback-failed: {name}: not known to be played" for name in owed) if has_begun else ()
