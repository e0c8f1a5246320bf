"""Probes for experiments, answered by the run: what customers would see, and how the budget burns. Each
returns true or false (`tolerance: true`), and fails when nobody can tell: unknown is never a yes."""

from __future__ import annotations

from chaos.line import answered, asked
from keelwatch.ledger import JsonObject


def journey_passes(journey: str, region: str) -> bool:
    """Whether a customer's journey passes now, in one region."""
    return answered(asked({"do": "ask", "what": "journey", "journey": journey, "region": region}))


def burn_below(
    objectives: list[str], most: float = 14.4, window: str = "5m", region: str | None = None
) -> bool:
    """Whether none of the objectives burns at `most` or more over the window, on real traffic."""
    from keelwatch.workspace.reader import parse_duration

    window_s = parse_duration(window).total_seconds()
    question: JsonObject = {"objectives": objectives, "most": most, "window_s": window_s, "region": region}
    return answered(asked({"do": "ask", "what": "burn", **question}))


def promql(query: str) -> bool:
    """Whether the query has an answer, and every number in it is true (not 0)."""
    return answered(asked({"do": "ask", "what": "promql", "query": query}))
