"""`keelwatch probe lint`: what a journey should not do, before a customer, or an account, meets it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import as_json, or_global
from console.output import counted, emit_json
from keelwatch.workspace import (
    ExitCode,
    InputError,
    Problem,
    SystemClock,
    UsageError,
    narrate,
    write_out,
)
from keelwatch.workspace.find import FILE_NAME, find, here, nearest

if TYPE_CHECKING:
    from keelwatch.workspace.workspace import Workspace
    from probes.lint import Finding


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
    from probes.lint import Severity, is_lintable
    from probes.lint import lint as lint_journeys
    from probes.load import examine_all

    files, around, unread = _meant(path, workspace)
    examined = examine_all(files)
    written, problems = examined.sound, examined.problems
    readable = [one for one in examined.flawed if is_lintable(one)]
    waiting = {*examined.unread, *(one.document.file for one in examined.flawed if one not in readable)}
    if path is not None and not (written or problems or unread):
        problems = [Problem(path, 1, 1, "no journey", "at least one: a YAML file with the key journey")]
    found = [*_as_findings([*unread, *problems]), *lint_journeys([*written, *readable], around)]
    found.sort(key=lambda one: (str(one.problem.file), one.problem.line, one.problem.column))
    if json_wanted:
        body = {
            "journeys": len(written),
            "findings": [_as_json(one) for one in found],
            "not_all_told": sorted(map(str, waiting)),
        }
        emit_json("probe-lint", None, SystemClock().now(), body)
    else:
        for one in found:
            write_out(str(one))
        narrate(_summary(len(written), found))
        if waiting:
            narrate(f"more may be found once these are mended: {', '.join(sorted(map(str, waiting)))}")
    refused = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    sys.exit(ExitCode.BAD_INPUT if any(one.severity in refused for one in found) else ExitCode.PASS)


Meant = tuple[list[Path], "Workspace | None", list[Problem]]


def _meant(path: Path | None, workspace: Path | None) -> Meant:
    """The files, the workspace they belong to, and what kept us from finding more."""
    from keelwatch.workspace.spec_files import spec_files
    from keelwatch.workspace.workspace import load_workspace

    try:
        if path is None or (path / FILE_NAME).is_file():
            whole = load_workspace(find(path or workspace, here()))
            files, problems = spec_files(whole.folders["probes"])
            return files, whole, problems
        if not path.exists():
            raise UsageError(f"no file or folder at {path}")
        files, problems = spec_files(path) if path.is_dir() else ([path], [])
    except OSError as error:
        raise UsageError(f"cannot look at {path}: {error.strerror}") from None
    return files, _around(path, workspace), problems


def _around(path: Path, workspace: Path | None) -> Workspace | None:
    """The workspace that was named, else a good one upwards; its components then count."""
    from keelwatch.workspace.workspace import load_workspace

    if workspace is not None:
        return load_workspace(find(workspace, here()))
    file = nearest(here() / path if path.is_dir() else (here() / path).parent)
    try:
        return None if file is None else load_workspace(file)
    except InputError:  # `check` says what is wrong with it
        return None


def _as_findings(problems: list[Problem]) -> list[Finding]:
    from probes.lint import Finding, Severity

    return [Finding(Severity.ERROR, "format", one) for one in problems]


def _as_json(finding: Finding) -> dict[str, str | int | None]:
    problem = finding.problem
    return {
        "severity": finding.severity.value,
        "rule": finding.rule,
        "file": str(problem.file),
        "line": problem.line,
        "column": problem.column,
        "found": problem.found,
        "expected": problem.expected,
        "did_you_mean": problem.did_you_mean or None,
    }


def _summary(journeys: int, found: list[Finding]) -> str:
    """`10 journeys, 1 error, 2 warnings`"""
    from probes.lint import Severity

    counts = [(sum(one.severity is severity for one in found), severity.value) for severity in Severity]
    told = [counted(count, word) for count, word in counts if count] or ["all well"]
    return ", ".join([counted(journeys, "journey"), *told])
