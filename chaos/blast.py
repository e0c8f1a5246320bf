"""Whether an act stays within the blast radius. Pure: verbs' names and arguments in, a reason out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from keelwatch.runs.fields import mapping, text

if TYPE_CHECKING:
    from chaos.spec import BlastRadius
    from keelwatch.ledger import JsonObject

FAULT = "fault.set"
STRIKES = {"edge": "edge", "pg": "database", "redis": "cache", "flag": "portal", "sessions": "identity"}
"""The component that the verbs of a family strike."""
EVERYWHERE = ("", "all")
PROMOTES = ("pg.promote", "redis.promote")
"""A region wins its primary where another loses it."""


def outside(
    radius: BlastRadius | None, verb: str, args: JsonObject, all_regions: Sequence[str], in_force: int
) -> str:
    """Why this act is none that the experiment may make; empty when it is one. `in_force` are its acts that
    are not taken back yet."""
    if radius is None:
        return ""
    if radius.components is not None:
        component = component_of(verb, args)
        if component not in radius.components:
            what = f"strikes {component}" if component else "strikes nobody knows what"
            return f"{verb} {what}, and the blast radius is {', '.join(radius.components)}"
    if radius.regions is not None:
        strange = [one for one in regions_of(verb, args, all_regions) if one not in radius.regions]
        if strange:
            return f"{verb} strikes {', '.join(strange)}, and the blast radius is {', '.join(radius.regions)}"
    if radius.percent is not None and (share := percent_of(verb, args)) > radius.percent:
        return f"{verb} fails {share:g}% of requests, and the blast radius is {radius.percent:g}%"
    if radius.at_once is not None and in_force >= radius.at_once:
        return f"{verb} would be act {in_force + 1} in force, and the blast radius is {radius.at_once}"
    return ""


def component_of(verb: str, args: JsonObject) -> str:
    """What an act strikes; empty when nobody can tell."""
    if verb == FAULT:
        return text(args, "fault").partition(".")[0]
    return STRIKES.get(verb.partition(".")[0], "")


def regions_of(verb: str, args: JsonObject, all_regions: Sequence[str]) -> list[str]:
    """Where an act strikes: what its arguments name, else everywhere."""
    if verb in PROMOTES:
        return list(all_regions)
    named = [text(args, key) for key in ("region", "away_from", "to") if text(args, key)]
    spread = [*mapping(args, "values"), *mapping(args, "weights")]
    found = [one for one in named if one not in EVERYWHERE] + spread
    return list(dict.fromkeys(found)) or list(all_regions)


def percent_of(verb: str, args: JsonObject) -> float:
    """Which share of requests an act fails, in percent: all of them where it does not say."""
    if verb != FAULT or text(args, "fault").partition(".")[2] != "errors":
        return 100.0
    try:
        return float(text(args, "value").removesuffix("%"))
    except ValueError:
        return 100.0
