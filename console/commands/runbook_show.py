"""`keelwatch runbook show`: how a run of a runbook stands, once: what its screen shows."""

from __future__ import annotations

import click

from console.options import as_json_or_plain
from console.output import emit_json
from keelwatch.workspace import SystemClock, write_out


@click.command("show")
@click.argument("run_id", metavar="RUN")
@as_json_or_plain
def show(run_id: str, *, json_wanted: bool) -> None:
    """Show a run of a runbook: its steps and what it waits for.

    Steps with their states and evidence, the question with what each answer leads to, the approval that is
    wanted, readiness and guards, and in the end what was measured. Changes nothing.
    """
    from console.runbook_book import reading, story_in
    from console.view.run_json import run_json
    from console.view.run_plain import run_lines

    with reading() as store:
        story = story_in(store, run_id)
    now = SystemClock().now()
    if json_wanted:
        emit_json("runbook-show", story.environment, now, run_json(story, now))
        return
    for line in run_lines(story, now):
        write_out(line)
