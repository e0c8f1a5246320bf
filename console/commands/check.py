"""`keelwatch check` and `keelwatch schema`: what a file should look like, and whether it does."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.findings import problem_json
from console.kinds import KINDS, check_files, check_folders, model_of
from console.options import as_json
from console.output import counted, emit_json
from keelwatch.workspace import ExitCode, InputError, Problem, SystemClock, UsageError, narrate, write_out
from keelwatch.workspace.errors import in_order, lines_of
from keelwatch.workspace.find import FILE_NAME, find, here, nearest
from keelwatch.workspace.spec_files import EXPERIMENTS, SUFFIXES, spec_files

if TYPE_CHECKING:
    from keelwatch.workspace.workspace import Workspace


@click.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@as_json
@click.pass_context
def check(ctx: click.Context, path: Path | None, *, json_wanted: bool) -> None:
    """Check a workspace, a folder or one file.

    Needs no running source. Names file, line and column of every problem; exit code 3 when there is one.
    Without PATH: the nearest workspace.
    """
    files, workspace, problems = _of_workspace(_meant(ctx)) if path is None else _of_path(path)
    count, found = check_files(files, workspace)
    problems = in_order([*found, *_untold(problems, found)])
    if json_wanted:
        told = [problem_json(problem) for problem in problems]
        emit_json("check", None, SystemClock().now(), {"documents": count, "problems": told})
    else:
        for line in lines_of(problems):
            write_out(line)
        end = counted(len(problems), "problem") if problems else "all well"
        narrate(f"{counted(count, 'document')}, {end}")
    sys.exit(ExitCode.BAD_INPUT if problems else ExitCode.PASS)


def _untold(problems: list[Problem], told: list[Problem]) -> list[Problem]:
    """`problems` without those that are told already: a file may be read by several, who word the way out
    differently."""
    known = {(one.file, one.line, one.column, one.found) for one in told}
    return [one for one in problems if (one.file, one.line, one.column, one.found) not in known]


Gathered = tuple[list[Path], "Workspace | None", list[Problem]]


def _meant(ctx: click.Context) -> Path:
    """The workspace of `keelwatch --workspace DIR check`, else the nearest one."""
    given = (ctx.find_root().obj or {}).get("workspace")
    return find(Path(given), here()) if given is not None else find(None, here())


def _of_path(path: Path) -> Gathered:
    """The files to check, the workspace they belong to, and what is wrong with that one itself."""
    try:
        is_folder, is_there = path.is_dir(), path.exists()
        has_workspace = is_folder and (path / FILE_NAME).is_file()
    except OSError as error:
        raise UsageError(f"cannot look at {path}: {error.strerror}") from None
    if not is_there:
        raise UsageError(f"no file or folder at {path}")
    if has_workspace:
        return _of_workspace(path / FILE_NAME)
    if not is_folder:
        return [path], _workspace_around(path), []
    around = _workspace_around(path)
    of_chaos = around is not None and path.resolve().is_relative_to(around.folders["chaos"])
    files, problems = spec_files(path, EXPERIMENTS if of_chaos else SUFFIXES)
    if not files and not problems:
        problems = [Problem(path, 1, 1, "a folder without YAML files", f"specs, or a {FILE_NAME}")]
    return files, around, problems


def _of_workspace(file: Path) -> Gathered:
    workspace, problems = _load(file)
    if workspace is None:  # which folders are meant is not known: all of them
        files, unread = spec_files(file.parent)
        return [file, *(spec for spec in files if spec.parent != file.parent)], None, [*problems, *unread]
    files = [file]
    for room, folder in workspace.folders.items():
        specs, unread = spec_files(folder, EXPERIMENTS if room == "chaos" else SUFFIXES)
        files += specs
        problems += unread
    return files, workspace, [*problems, *check_folders(workspace)]


def _workspace_around(path: Path) -> Workspace | None:
    """The workspace a lone file belongs to, if there is a good one upwards; its components then count."""
    file = nearest((path if path.is_absolute() else here() / path).parent)
    return _load(file)[0] if file is not None and path.name != FILE_NAME else None


def _load(file: Path) -> tuple[Workspace | None, list[Problem]]:
    from keelwatch.workspace.workspace import load_workspace

    try:
        return load_workspace(file), []
    except InputError as error:
        return None, list(error.problems)


@click.command()
@click.argument("kind", type=click.Choice([kind.name for kind in KINDS]))
def schema(kind: str) -> None:
    """Print the JSON Schema of a kind of file.

    Editors use it to complete and check while you type.
    """
    from keelwatch.workspace.reader import json_schema

    chosen = next(one for one in KINDS if one.name == kind)
    write_out(json.dumps(json_schema(model_of(chosen), f"Keelwatch {kind}"), indent=2))
