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
    from loadtests.load import Profile


@click.command("list")
@in_environment
@as_json_or_plain
def list_profiles(workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """List the load profiles of the workspace."""
    from console.loads import profiles

    where = place(workspace, environment)
    found = profiles(where)
    if json_wanted:
        body = {"profiles": [_document(one) for one in found]}
        emit_json("load-list", where.name, SystemClock().now(), body)
        return
    if not found:
        narrate(f"no load profiles in {where.workspace.folders['loadtests']}")
    width = max((len(one.name) for one in found), default=0)
    for one in found:
        write_out(f"{one.name:{width}}  {one.spec.model:6}  {_length(one)}  {one.spec.title}")


@click.command("show")
@click.argument("run_id", metavar="RUN")
@as_json_or_plain
def show(run_id: str, *, json_wanted: bool) -> None:
    """Show a run of a load: its requests, thresholds and budget.

    Changes nothing; also while it goes on.
    """
    from console.loads import story_of
    from console.runbook_book import reading
    from console.view.load import load_json, result_lines

    with reading() as store:
        story = story_of(store, run_id)
    state = story.view.state
    if json_wanted:
        body = {
            "run": run_id,
            "profile": state.name,
            "phase": story.view.phase,
            "verdict": state.verdict.outcome if state.verdict else None,
            "reason": state.verdict.reason if state.verdict else None,
            **load_json(story.told),
        }
        emit_json("load-show", state.env, SystemClock().now(), body)
        return
    write_out(f"{run_id}  {state.name} in {state.env}  {story.view.phase}")
    for line in result_lines(story.told):
        write_out(line)
    if state.verdict is not None:
        write_out(str(state.verdict))


def _document(one: Profile) -> dict[str, object]:
    return {
        "name": one.name,
        "title": one.spec.title,
        "owner": one.spec.owner,
        "model": one.spec.model,
        "length_s": sum(stage.for_s for stage in one.stages),
        "guard": list(one.spec.guard.burn_rate.objectives),
    }


def _length(one: Profile) -> str:
    from console.view.numbers import length

    return length(sum(stage.for_s for stage in one.stages))
