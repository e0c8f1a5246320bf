"""`keelwatch load list` and `show`: which loads there are, and what came of one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import as_json_or_plain, in_environment
from console.output import emit_json
from console.places import place
from keelwatch.workspace import SystemClock, narrate, write_out

if TYPE_CHECKING:
    from console.view.last_run import LastRun
    from loadtests.load import Profile


@click.command("list")
@in_environment
@as_json_or_plain
def list_profiles(workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """List the load profiles of the workspace.

    With the last run of each, and the loads that run now.
    """
    from console.load_book import LoadBook
    from console.loads import profiles
    from console.view.load_shelf import shelf_lines

    where, now = place(workspace, environment), SystemClock().now()
    found, trouble = profiles(where)
    shelf = LoadBook(where).shelf(now)
    if json_wanted:
        last = {row.name: row.last for row in shelf.rows}
        body = {"profiles": [_document(one, last.get(one.name), now, shelf.trouble) for one in found]}
        emit_json("load-list", where.name, now, body)
        return
    if not found and not trouble:
        narrate(f"no load profiles in {where.workspace.folders['loadtests']}")
        return
    for line in shelf_lines(shelf, now):
        write_out(line)


@click.command("show")
@click.argument("run_id", metavar="RUN")
@as_json_or_plain
def show(run_id: str, *, json_wanted: bool) -> None:
    """Show a run of a load: its requests, thresholds and budget.

    Changes nothing; also while it goes on.
    """
    from console.loads import outcome_of, story_of
    from console.runbook_book import reading
    from console.view.load import load_json, result_lines

    with reading() as store:
        story = story_of(store, run_id)
    state = story.view.state
    verdict, reason = outcome_of(story.view)
    if json_wanted:
        body = {
            "run": run_id,
            "profile": state.name,
            "state": story.view.phase,
            "verdict": verdict,
            "reason": reason,
            **load_json(story.told, is_over=story.view.is_over),
        }
        emit_json("load-show", state.env, SystemClock().now(), body)
        return
    write_out(f"{run_id}  {state.name} in {state.env}  {story.view.phase}")
    for line in result_lines(story.told, is_over=story.view.is_over):
        write_out(line)
    if verdict is not None:
        write_out(": ".join(filter(None, (verdict, reason))))


def _document(one: Profile, last: LastRun | None, now: float, unknown: str) -> dict[str, object]:
    return {
        "name": one.name,
        "title": one.spec.title,
        "owner": one.spec.owner,
        "model": one.spec.model,
        "length_s": sum(stage.for_s for stage in one.stages),
        "guard": list(one.spec.guard.burn_rate.objectives),
        "last": _last(last, now) if last else None,
        "last_unknown_reason": None if last else unknown or "never run",
    }


def _last(last: LastRun, now: float) -> dict[str, object]:
    outcome, _, reason = last.words.partition(": ")
    return {"run": last.run, "verdict": outcome, "reason": reason, "at": last.at, "age_s": now - last.at}
