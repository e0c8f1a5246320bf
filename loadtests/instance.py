"""What a load run is asked to do: decided before there is a run, so light to load."""

from __future__ import annotations

from pathlib import Path

from keelwatch.ledger import JsonObject

MOST_RATE = 10_000
"""Journeys per second, or users: what a profile and `--rate` may ask for at the most."""


def arguments(
    workspace: Path,
    profile: str,
    for_s: float | None = None,
    seed: int | None = None,
    rate: float | None = None,
    beside: str = "",
) -> JsonObject:
    """The arguments of a run of `profile`. `for_s`: in so many seconds, instead of as long as its stages
    last; `seed` makes an open load's arrivals the same again; `rate` (per second): held, no stages;
    `beside`: the run that it is for, which it does not outlive."""
    return {
        "workspace": str(workspace),
        "profile": profile,
        "for_s": for_s,
        "seed": seed,
        "rate": rate,
        "sandbox": "",
        "beside": beside,
    }


def search_arguments(
    workspace: Path, profile: str, objective: str, first: float, most: float, step_s: float
) -> JsonObject:
    """The arguments of a search for the rate at which `objective` and the thresholds of `profile` hold, from
    `first` to at most `most` journeys per second, in steps of `step_s` seconds."""
    search: JsonObject = {"objective": objective, "first": first, "most": most, "step_s": step_s}
    return {**arguments(workspace, profile), **search}
