"""`keelwatch runbook lint`: what a runbook should not do, months before the night it is needed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.findings import leave, meant, tell, unreadable
from console.options import as_json, in_workspace, or_global
from keelwatch.workspace import KeelwatchError, SystemClock, UsageError

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.workspace.workspace import Workspace
    from probes.lint import Finding
    from runbooks.load import Written


@click.command("lint")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@in_workspace
@click.option("--env", "environment", callback=or_global, help="Ask the systems of this environment too.")
@click.option("--strict", is_flag=True, help="A warning ends in 3 too.")
@as_json
def lint(
    path: Path | None, workspace: Path | None, environment: str | None, *, strict: bool, json_wanted: bool
) -> None:
    """Find what a runbook should not do.

    PATH is a workspace, a folder or one file; without it, the runbooks of the workspace. Exit code 3 when
    there is an error. Reads files alone, unless an environment is named: then each step's systems are asked
    whether they are there and let us in, and nothing is changed.
    """
    from runbooks.lint import known_names
    from runbooks.lint import lint as lint_runbooks
    from runbooks.load import examine

    files, around, unread = meant(path, workspace, "runbooks")
    written, problems = examine(files)
    names = known_names(around) if around and written else None
    found = unreadable(path, "runbook", len(written), [*unread, *problems])
    found += lint_runbooks(written, around, names, _rehearsals(written))
    if environment is not None:
        found += _live(written, around, environment)
    tell("runbook", len(written), found, json_wanted=json_wanted)
    leave(found, strict=strict)


def _live(written: Sequence[Written], around: Workspace | None, environment: str) -> list[Finding]:
    from console.processes import TABLE
    from runbooks.live import live_findings

    if around is None:
        raise UsageError(f"no workspace says what {environment} is", "--workspace FOLDER")
    name, _ = around.environment(environment)
    place: JsonObject = {"workspace": str(around.file), "environment": name}
    return [one for each in written for one in live_findings(each, place, TABLE.verbs)]


def _rehearsals(written: Sequence[Written]) -> Mapping[str, str]:
    """What is to be said against the last one of each; none is known where there is no ledger."""
    from console.commands.runs import ledger
    from console.runbook_book import rehearsals, shelf_row
    from console.view.shelf import flaws

    try:
        with ledger() as store:
            found = rehearsals(store)
    except KeelwatchError:
        return {}
    now = SystemClock().now()
    return {
        one.runbook.name: ", ".join(flaws(shelf_row(one.runbook, found[one.runbook.name]), now))
        for one in written
        if one.runbook.name in found
    }
