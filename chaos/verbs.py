"""The act behind an action of ours, told from what is written. Pure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from chaos.blast import FAULT
from chaos.terms import USUAL_END, lasting_s, value_of
from keelwatch.runs.fields import mapping, text
from keelwatch.workspace.errors import UsageError

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
            told = {key: value_of(value) for key, value in arguments.items() if key != "for_"}
            return FAULT, {"value": "on", "region": "all", **told, "for_s": _seconds(arguments)}
    return "", {}


def acts_early(part: str, verb: str) -> str:
    """Why an activity of this part may not act so; empty when it may."""
    return f"{verb}: acts belong to the method" if verb and part in BEFORE else ""


def time_trouble(provider: JsonObject) -> str:
    """Why an action of ours cannot last as it says; empty when it can, and when only variables tell."""
    for_ = mapping(provider, "arguments").get("for_", USUAL_END)
    if text(provider, "module") != OURS or (isinstance(for_, str) and "${" in for_):
        return ""
    try:
        lasting_s(for_)
    except UsageError as error:
        return error.message
    return ""


def _seconds(arguments: JsonObject) -> float:
    try:
        return lasting_s(arguments.get("for_", USUAL_END))
    except UsageError:  # which `time_trouble` tells, or it is only known once variables are filled in
        return 0.0
