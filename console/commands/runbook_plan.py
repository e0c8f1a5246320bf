"""`keelwatch runbook plan`: what it would do now, asked of the real systems."""

from __future__ import annotations

from pathlib import Path

import click

from console.options import as_json_or_plain, to_plan
from console.output import emit_json
from console.places import place
from keelwatch.workspace import SystemClock, write_out


@click.command("plan")
@to_plan
@as_json_or_plain
def plan(
    name: str,
    workspace: Path | None,
    environment: str | None,
    inputs: dict[str, str],
    *,
    ungraceful: bool,
    json_wanted: bool,
) -> None:
    """Predict what a runbook would do now.

    Every system that a step acts on is asked, and nothing is changed. The plan has a hash: a run of it
    refuses when the world has changed since.
    """
    from console.runbooks import planned
    from console.view.plan import plan_lines
    from runbooks.stages import Mode

    where = place(workspace, environment)
    _, found = planned(where, name, inputs, Mode.UNGRACEFUL if ungraceful else Mode.GRACEFUL)
    if json_wanted:
        emit_json("runbook-plan", where.name, SystemClock().now(), dict(found.as_json()))
        return
    for line in plan_lines(found):
        write_out(line)
