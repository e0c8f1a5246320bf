"""Which sandbox's portal is meant."""

from __future__ import annotations

from keelwatch.adapters.arguments import estate_in
from keelwatch.ledger import JsonObject
from keelwatch.workspace.errors import UsageError


def sandbox_in(args: JsonObject, verb: str, *known: str) -> str:
    """The name of the sandbox. Raises `UsageError` for an environment that is none, else as `estate_in`."""
    estate = estate_in(args, *known)
    if not estate.sandbox:
        raise UsageError(
            f"{estate.environment} is no sandbox, and {verb} knows no other portal",
            "call the portal's own interface with `http.call`",
        )
    return estate.sandbox
