"""`keelwatch probe show`: one journey's executions, as its screen shows them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import click

from console.options import as_json_or_plain, in_environment
from console.output import emit_json
from console.places import place
from keelwatch.workspace import ExitCode, SystemClock, UsageError, worst, write_out

if TYPE_CHECKING:
    from console.journeys import JourneyBook
    from console.output import Json
    from console.view.story import Story


@click.command("show")
@click.argument("journey")
@in_environment
@click.option("--region", help="Only this region.")
@click.option("--run-id", help="This execution: its own id, or its run's (default: the newest).")
@click.option("--diff", is_flag=True, help="What differs from the last one before it that passed.")
@as_json_or_plain
def show(
    journey: str,
    workspace: Path | None,
    environment: str | None,
    region: str | None,
    run_id: str | None,
    *,
    diff: bool,
    json_wanted: bool,
) -> None:
    """Show one journey: its steps, checks and times, or what changed.

    Every region of it, unless --region names one. It shows what is kept and runs nothing.
    Exit code: 0 what is shown passed, 1 it failed, 4 it could not be judged or there is none yet, 8 it left
    something behind.
    """
    from console.journeys import JourneyBook
    from console.view.journey import diff_lines, plain_lines

    where = place(workspace, environment)
    book = JourneyBook(where)
    stories = _stories(book, journey, region, run_id)
    now = SystemClock().now()
    if json_wanted:
        documents: list[Json] = [_document(story, now, diff=diff) for story in stories]
        emit_json("probe-show", where.name, now, {"journey": journey, "executions": documents})
    else:
        told = diff_lines if diff else plain_lines
        for story in stories:
            write_out("\n".join([*told(story, now), ""]))
    sys.exit(worst([_code(story) for story in stories]))


def _stories(book: JourneyBook, journey: str, region: str | None, run_id: str | None) -> list[Story]:
    """Of one region, or of each; an execution that is named belongs to one, or a run's to several."""
    if region is not None:
        return [book.story(journey, region, run_id)]
    regions = book.regions_of(book.named(journey))
    if run_id is None:
        return [book.story(journey, one) for one in regions]
    found: list[Story] = []
    for one in regions:
        try:
            found.append(book.story(journey, one, run_id))
        except UsageError:
            continue
    if not found:
        raise UsageError(f"{journey} has no kept execution {run_id!r}", "see: keelwatch probe show JOURNEY")
    return found


def _document(story: Story, now: float, *, diff: bool) -> dict[str, Json]:
    from console.view.board import strip
    from console.view.difference import difference
    from console.view.story import medians_ms
    from probes.record_json import to_json

    shown = story.shown
    found: dict[str, Json] = {
        "region": story.region,
        "strip": strip(story.past).strip(),
        "execution": None if shown is None else cast("dict[str, Json]", to_json(shown)),
        "unknown_reason": None if shown is not None else "it has not run here yet",
        "age_s": None if shown is None else round(now - shown.started, 3),
        "medians_ms": {str(index): round(value, 3) for index, value in medians_ms(story.greens).items()},
        "last_green": story.green.id if story.green else None,
    }
    if diff:
        found["diff"] = list(difference(shown, story.green, now)) if shown is not None else []
    return found


def _code(story: Story) -> ExitCode:
    from probes.record import Result

    shown = story.shown
    if shown is None:
        return ExitCode.UNKNOWN
    if shown.left_behind:
        return ExitCode.LEFT_BEHIND
    match shown.result:
        case Result.PASS:
            return ExitCode.PASS
        case Result.FAIL:
            return ExitCode.FAIL
        case _:
            return ExitCode.UNKNOWN
