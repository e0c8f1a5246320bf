"""`keelwatch probe lint`: what a journey should not do, before a customer, or an account, meets it."""

from __future__ import annotations

from pathlib import Path

import click

from console.findings import as_findings, leave, meant, tell
from console.options import as_json, or_global
from keelwatch.workspace import Problem


@click.command("lint")
@click.argument("path", type=click.Path(path_type=Path), required=False)
@click.option(
    "--workspace",
    type=click.Path(path_type=Path),
    callback=or_global,
    help="Workspace folder (default: the nearest keelwatch.yaml).",
)
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
    written, problems = examined.sound, examined.problems
    readable = [one for one in examined.flawed if is_lintable(one)]
    waiting = {*examined.unread, *(one.document.file for one in examined.flawed if one not in readable)}
    if path is not None and not (written or problems or unread):
        problems = [Problem(path, 1, 1, "no journey", "at least one: a YAML file with the key journey")]
    found = [*as_findings([*unread, *problems]), *lint_journeys([*written, *readable], around)]
    found.sort(key=lambda one: (str(one.problem.file), one.problem.line, one.problem.column))
    tell("journey", len(written), found, json_wanted=json_wanted, waiting=sorted(map(str, waiting)))
    leave(found, strict=strict)
