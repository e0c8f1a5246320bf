"""The act behind an action of ours, told from what is written. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.actions import USUAL_END
from chaos.blast import FAULT
from keelwatch.runs.fields import mapping, text

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject

OURS = "chaos.actions"
BEFORE = ("configuration", "hypothesis")
"""The parts of an experiment in which nothing is broken."""


def verb_of(provider: JsonObject) -> tuple[str, JsonObject]:
    """No verb for an activity that makes no act."""
    arguments = mapping(provider, "arguments")
    match text(provider, "module"), text(provider, "func"):
        case "chaos.actions", "act":
            return text(arguments, "verb"), mapping(arguments, "arguments")
        case "chaos.actions", "fault":
            told = {key: value for key, value in arguments.items() if key != "for_"}
            return FAULT, {"value": "on", "region": "all", **told, "for_s": _seconds(text(arguments, "for_"))}
    return "", {}


def acts_early(part: str, verb: str) -> str:
    """Why an activity of this part may not act so; empty when it may."""
    return f"{verb}: acts belong to the method" if verb and part in BEFORE else ""


def _seconds(duration: str) -> float:
    from keelwatch.workspace.reader import parse_duration

    try:
        return parse_duration(duration or USUAL_END).total_seconds()
    except ValueError:  # only known once variables are filled in
        return 0.0
