"""`keelwatch probe lint`: what a journey should not do, before a customer, or an account, meets it."""

from __future__ import annotations

from pathlib import Path

import click

from console.findings import leave, meant, tell, unreadable
from console.options import as_json, in_workspace


@click.command("lint")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@in_workspace
@click.option("--strict", is_flag=True, help="A warning ends in 3 too.")
@as_json
def lint(path: Path | None, workspace: Path | None, *, strict: bool, json_wanted: bool) -> None:
    """Find what a journey should not do.

    PATH is a workspace, a folder or one file; without it, the journeys of the workspace. Exit code 3 when
    there is an error. Needs no running source.
    """
    from probes.lint import is_lintable
    from probes.lint import lint as lint_journeys
    from probes.load import JOURNEYS

    files, around, unread = meant(path, workspace, "probes")
    examined = JOURNEYS.examine(files)
    written = examined.sound
    readable = [one for one in examined.flawed if is_lintable(one)]
    waiting = {*examined.unread, *(one.document.file for one in examined.flawed if one not in readable)}
    found = unreadable(path, "journey", len(written), [*unread, *examined.problems])
    found += lint_journeys([*written, *readable], around)
    found.sort(key=lambda one: (str(one.problem.file), one.problem.line, one.problem.column))
    tell("journey", len(written), found, json_wanted=json_wanted, waiting=sorted(map(str, waiting)))
    leave(found, strict=strict)
