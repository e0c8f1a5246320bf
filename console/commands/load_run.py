"""`keelwatch load run`: push, inside a guard, and say what it bears."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.runs import ledger
from console.commands.sandbox import seconds
from console.options import as_json, in_environment
from console.output import counted, emit_json
from console.places import Place, place
from keelwatch.workspace import ExitCode, SystemClock, UsageError, narrate, write_out

if TYPE_CHECKING:
    from keelwatch import runs as kernel
    from keelwatch.ledger import LedgerStore
    from loadtests.load import Profile

SHORTEST_S = 5.0


@click.command("run")
@click.argument("name")
@in_environment
@click.option("--for", "for_", metavar="TIME", help="In so much time, instead of as long as its stages last.")
@click.option("--rate", type=float, help="Hold this rate (journeys per second), instead of its stages.")
@click.option("--seed", type=int, help="Of an open load's arrivals: the same again.")
@click.option("--arm", is_flag=True, help="Load is acting: say so.")
@click.option("--detach", is_flag=True, help="Start the run and leave.")
@as_json
def run(
    name: str,
    workspace: Path | None,
    environment: str | None,
    for_: str | None,
    rate: float | None,
    seed: int | None,
    *,
    arm: bool,
    detach: bool,
    json_wanted: bool,
) -> None:
    """Apply a load profile, and judge what it found.

    Exit code 0 when every threshold was met, 1 when one was missed, 4 when the load was not what was ordered
    or too little is known, 6 when it may not start, 7 when the guard or you stopped it.
    """
    from console.loads import outcome_of, start, story_of
    from console.roles import allow
    from console.view.load import load_json, result_lines
    from console.view.run import verdict_of
    from loadtests.instance import MOST_RATE, arguments

    where = place(workspace, environment)
    profile = chosen(where, name)
    for_s = seconds(for_)
    if for_s is not None and for_s < SHORTEST_S:
        raise UsageError(f"a load of {for_s:g} s says nothing", f"at least {SHORTEST_S:g} s")
    _require_measured(profile, for_s)
    if rate is not None and (profile.spec.model != "open" or not 0 < rate <= MOST_RATE):
        raise UsageError(
            f"--rate is for an open load, above 0, at most {MOST_RATE}", "a closed one has users"
        )
    allow(where, "load", arm=arm)
    args = arguments(where.workspace.file, profile.name, for_s, seed, rate)
    with ledger(to_write=True) as store:
        run_id = start(store, where, profile.name, args)
        narrate(f"run {run_id}; follow it anywhere: keelwatch attach {run_id}")
        code = None if detach else follow(store, run_id, profile.spec.model)
        story = story_of(store, run_id)
    told, ending = story.told, verdict_of(story.view)
    if json_wanted:
        verdict, reason = outcome_of(story.view)
        body = {
            "run": run_id,
            "profile": profile.name,
            "state": story.view.phase,
            "verdict": verdict,
            "reason": reason,
            "exit": int(ending.exit_code) if code is None and ending else code,
            **load_json(told, is_over=story.view.is_over),
        }
        emit_json("load-run", where.name, SystemClock().now(), body)
    elif detach:
        write_out(run_id)
    else:
        for line in result_lines(told, is_over=story.view.is_over):
            write_out(line)
        write_out(": ".join(filter(None, outcome_of(story.view))) or "it goes on")
    sys.exit(code)


def _require_measured(profile: Profile, for_s: float | None) -> None:
    warm_up = profile.spec.warm_up
    if for_s is not None and warm_up is not None and for_s <= warm_up.total_seconds():
        words = f"its first {warm_up.total_seconds():g} s are its warm-up, and not measured"
        raise UsageError(f"a load of {for_s:g} s measures nothing: {words}", "say a longer --for")


def chosen(where: Place, name: str) -> Profile:
    """The profile of this name. Says which files were left out for their problems, which are none of its."""
    from console.loads import sound_beside

    profile, others = sound_beside(where, name)
    if others:
        files = ", ".join(dict.fromkeys(str(one.file) for one in others))
        narrate(f"warning: {counted(len(others), 'problem')} in files of other profiles: {files}")
        narrate("  see: keelwatch check")
    return profile


def follow(store: LedgerStore, run_id: str, model: str) -> ExitCode:
    """To its end, a line for each second on stderr."""
    from console.view.load import second_line
    from keelwatch import runs as kernel
    from loadtests.follow import Followed

    told, shown = Followed(), [-1]

    def show(glance: kernel.Glance) -> None:
        told.take(glance.items)
        for item in glance.items:
            if isinstance(item, kernel.StreamLine) and "say" in item.record:
                narrate(str(item.record["say"]))
        if shown[0] > max(told.gathered.seconds, default=-1):  # another step of a search has begun
            shown[0] = -1
        newest = max(told.gathered.seconds, default=-1) + int(glance.run.state.verdict is not None)
        for at in range(shown[0] + 1, newest):  # the newest may not be whole yet
            if at in told.gathered.seconds:
                narrate(second_line(at, told.gathered.seconds[at], model))
            shown[0] = at

    end, code = kernel.attend(store, run_id, show, may_ask=False)
    if end is kernel.FollowEnd.DETACHED:
        narrate(f"detached; the run goes on: keelwatch attach {run_id}")
    return code
