"""`keelwatch chaos run` and `show`: break on purpose, inside a guard, and say what it found."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.runs import ledger
from console.options import as_json, as_json_or_plain, in_environment
from console.output import emit_json
from console.places import Place, place
from keelwatch.workspace import ExitCode, SystemClock, narrate, write_out

if TYPE_CHECKING:
    from keelwatch import runs as kernel
    from keelwatch.ledger import LedgerStore


@click.command("run")
@click.argument("name")
@in_environment
@click.option("--under-load", "load", metavar="PROFILE", help="Beside a load: before, during and after.")
@click.option("--seed", type=int, default=0, help="Of that load's arrivals: the same again.")
@click.option("--arm", is_flag=True, help="An experiment breaks something: say so.")
@click.option("--detach", is_flag=True, help="Start the run and leave.")
@as_json
def run(
    name: str,
    workspace: Path | None,
    environment: str | None,
    load: str | None,
    seed: int,
    *,
    arm: bool,
    detach: bool,
    json_wanted: bool,
) -> None:
    """Break something on purpose, and say whether customers noticed.

    NAME may be a file of Chaos Toolkit's. Exit code 0 when the hypothesis held while the fault reached
    traffic, 1 when it did not hold, 4 when nothing is proven, 6 when it may not start, 7 when the guard or
    you stopped it, 8 when something could not be taken back.
    """
    from console.chaos import order_for, sound, start, story
    from console.roles import allow
    from console.view.chaos import story_json, story_lines

    where = place(workspace, environment)
    order = order_for(where, sound(where, name), _profile(where, load), seed)
    allow(where, "chaos", arm=arm)
    with ledger(to_write=True) as store:
        run_id = start(store, order)
        narrate(f"run {run_id}; follow it anywhere: keelwatch attach {run_id}")
        code = None if detach else _follow(store, run_id)
        found = story(store, run_id)
    if json_wanted:
        emit_json("chaos-run", where.name, SystemClock().now(), story_json(found.view, found.told))
    elif detach:
        write_out(run_id)
    else:
        for line in story_lines(found.view, found.told):
            write_out(line)
    sys.exit(code)


@click.command("show")
@click.argument("run_id", metavar="RUN")
@as_json_or_plain
def show(run_id: str, *, json_wanted: bool) -> None:
    """Show a run of an experiment: hypothesis, steps, faults and budget.

    Also while it runs. Changes nothing.
    """
    from console.chaos import story
    from console.view.chaos import story_json, story_lines

    with ledger() as store:
        found = story(store, run_id)
    if json_wanted:
        emit_json("chaos-run", found.view.state.env, SystemClock().now(), story_json(found.view, found.told))
        return
    for line in story_lines(found.view, found.told):
        write_out(line)


def _profile(where: Place, load: str | None) -> str:
    """The name of a profile that is there and right."""
    from console.loads import sound

    return sound(where, load).name if load is not None else ""


def _follow(store: LedgerStore, run_id: str) -> ExitCode:
    """To its end, in sentences on stderr."""
    from console.view.chaos import glance_lines
    from keelwatch import runs as kernel

    def show(glance: kernel.Glance) -> None:
        for line in glance_lines(glance):
            narrate(line)

    end, code = kernel.attend(store, run_id, show, may_ask=False)
    if end is kernel.FollowEnd.DETACHED:
        narrate(f"detached; the run goes on: keelwatch attach {run_id}")
    return code
