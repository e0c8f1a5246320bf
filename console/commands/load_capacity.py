"""`keelwatch load capacity`: the highest rate within an objective, as an interval."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from console.commands.runs import ledger
from console.commands.sandbox import seconds
from console.options import as_json, in_environment
from console.output import emit_json
from console.places import place
from keelwatch.workspace import SystemClock, UsageError, narrate, write_out

FIRST, MOST = 1.0, 1000.0
STEP_S = 15.0
LEAST_STEP_S = 5.0


@click.command("capacity")
@click.argument("name")
@in_environment
@click.option("--objective", default="", help="Must hold, beside the thresholds of the profile.")
@click.option(
    "--first", type=float, default=FIRST, show_default=True, help="The first rate (journeys per second)."
)
@click.option("--most", type=float, default=MOST, show_default=True, help="Never beyond this rate.")
@click.option("--step", metavar="TIME", help="How long each rate is held (default: 15s).")
@click.option("--arm", is_flag=True, help="Load is acting: say so.")
@as_json
def capacity(
    name: str,
    workspace: Path | None,
    environment: str | None,
    objective: str,
    first: float,
    most: float,
    step: str | None,
    *,
    arm: bool,
    json_wanted: bool,
) -> None:
    """Search for the highest rate that holds.

    Doubles the rate until a threshold is missed or it cannot be pushed from here, halves what lies between,
    and confirms both ends of its answer: the rate that holds and the one that is too much. Exit code 0 with a
    rate that holds, 1 when none did, 4 when none could be pushed, too little was seen or a load was invalid,
    6 when it may not start, 7 when the guard or you stopped it.
    """
    from console.commands.load_run import chosen, follow
    from console.loads import outcome_of, require_objective, start, story_of
    from console.roles import allow
    from loadtests.instance import search_arguments

    where = place(workspace, environment)
    profile = chosen(where, name)
    step_s = STEP_S if (given := seconds(step)) is None else given
    _refuse(profile.spec.model, first, most, step_s, named=bool(objective or profile.spec.thresholds))
    if objective:
        require_objective(where, objective)
    allow(where, "load", arm=arm)
    args = search_arguments(where.workspace.file, profile.name, objective, first, most, step_s)
    with ledger(to_write=True) as store:
        run_id = start(store, where, profile.name, args)
        narrate(f"run {run_id}; follow it anywhere: keelwatch attach {run_id}")
        code = follow(store, run_id, profile.spec.model)
        story = story_of(store, run_id)
    told, (verdict, reason) = story.told, outcome_of(story.view)
    if json_wanted:
        body = {
            "run": run_id,
            "profile": profile.name,
            "objective": objective or None,
            "verdict": verdict,
            "reason": reason,
            "exit": int(code),
            "last_ok": told.capacity.last_ok if told.capacity else None,
            "first_breach": told.capacity.first_breach if told.capacity else None,
            "out_of_reach": told.capacity.out_of_reach if told.capacity else None,
            "tried": told.tried,
        }
        emit_json("load-capacity", where.name, SystemClock().now(), body)
    else:
        write_out(": ".join(filter(None, (verdict, reason))) or "it goes on")
    sys.exit(code)


def _refuse(model: str, first: float, most: float, step_s: float, *, named: bool) -> None:
    from loadtests.instance import MOST_RATE
    from loadtests.search import LEAST

    if model != "open":
        raise UsageError("a search needs an open load", "in a closed one the rate is the server's")
    if not LEAST <= first <= most <= MOST_RATE:  # nor is it true of what is no number
        raise UsageError(
            f"--first {first:g} and --most {most:g} are no rates to search between",
            f"{LEAST:g} <= first <= most <= {MOST_RATE}",
        )
    if step_s < LEAST_STEP_S:
        raise UsageError(f"a step of {step_s:g} s says nothing", f"at least {LEAST_STEP_S:g} s")
    if not named:
        raise UsageError("nothing is to hold", "--objective NAME, or thresholds in the profile")
