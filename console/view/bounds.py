"""What an experiment may do at most, in words: the same before it is started and while it runs. Pure."""

from __future__ import annotations

from chaos.bounds import Bounds
from console.view import numbers
from slo.durations import spell


def radius_words(bounds: Bounds) -> str:
    """`billing; in west; 1 act at once; 50% of requests at most`"""
    if not (bounds.components or bounds.regions or bounds.percent or bounds.at_once):
        return "none: nothing bounds what it strikes"
    words = [
        ", ".join(bounds.components) or "any component",
        f"in {', '.join(bounds.regions)}" if bounds.regions else "in all regions",
    ]
    if bounds.at_once:
        words.append(f"{bounds.at_once} act{'' if bounds.at_once == 1 else 's'} at once")
    if bounds.percent:
        words.append(f"{bounds.percent:g}% of requests at most")
    return "; ".join(words)


def guard_words(bounds: Bounds) -> list[str]:
    """What ends it, each in a sentence."""
    if not bounds.is_guarded:
        return ["none but an hour: the experiment has no extension `keelwatch`"]
    names = ", ".join(bounds.objectives)
    words = [f"ends when one burns at {bounds.above:g}x over {spell(bounds.window_s)}: {names}"]
    if bounds.journeys:
        words.append(f"ends when one does not pass: {', '.join(bounds.journeys)}")
    if bounds.holds:
        words.append(f"ends when this does not hold: {bounds.holds}")
    return [*words, f"ends after {numbers.length(bounds.most_s or 3600.0)}"]


def budget_words(bounds: Bounds) -> str:
    if not bounds.is_guarded:
        return "none is set aside"
    each = "of each of its objectives" if len(bounds.objectives) > 1 else "of its objective"
    return f"up to {numbers.percent(bounds.budget)} of the period's, {each}, is set aside"


def proof_words(bounds: Bounds) -> str:
    return bounds.proof or "none: nobody said how the fault shows in traffic, so it cannot pass"
