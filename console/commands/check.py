"""`keelwatch check` and `keelwatch schema`: what a file should look like, and whether it does."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.kinds import KINDS, check_files, model_of
from console.options import as_json
from console.output import emit_json
from keelwatch.workspace import ExitCode, InputError, Problem, SystemClock, UsageError, narrate, write_out
from keelwatch.workspace.find import FILE_NAME, find

if TYPE_CHECKING:
    from keelwatch.workspace.workspace import Workspace

SUFFIXES = {".yaml", ".yml"}


@click.command()
@click.argument("path", type=click.Path(path_type=Path), required=False)
@as_json
def check(path: Path | None, *, json_wanted: bool) -> None:
    """Check a workspace, a folder or one file.

    Needs no running source. Names file, line and column of every problem; exit code 3 when there is one.
    Without PATH: the nearest workspace.
    """
    if path is not None and not path.exists():
        raise UsageError(f"no file or folder at {path}")
    files, workspace, problems = _gather(path)
    count, found = check_files(files, workspace)
    problems = sorted({*problems, *found}, key=lambda one: (str(one.file), one.line, one.column))
    if json_wanted:
        told = [_as_json(problem) for problem in problems]
        emit_json("check", None, SystemClock().now(), {"documents": count, "problems": told})
    else:
        for problem in problems:
            write_out(str(problem))
        narrate(
            f"{count} documents, {len(problems)} problems" if problems else f"{count} documents, all well"
        )
    sys.exit(ExitCode.BAD_INPUT if problems else ExitCode.PASS)


def _gather(path: Path | None) -> tuple[list[Path], Workspace | None, list[Problem]]:
    """The files to check, the workspace they belong to, and what is wrong with that one itself."""
    if path is not None and path.is_file():
        return [path], _workspace_around(path), []
    folder = path or find(None, Path.cwd()).parent
    file = folder / FILE_NAME
    if not file.is_file():
        return list(spec_files(folder)), _workspace_around(folder), _empty(folder)
    workspace, problems = _load(file)
    if workspace is None:
        roots = [child for child in folder.iterdir() if child.is_dir() and not child.name.startswith(".")]
    else:
        roots = [root for root in workspace.folders.values() if root.is_dir()]
    specs = [spec for root in roots for spec in spec_files(root)]
    return [file, *specs], workspace, problems


def spec_files(folder: Path) -> Iterable[Path]:
    return sorted(file for file in folder.rglob("*") if file.suffix in SUFFIXES and file.is_file())


def _empty(folder: Path) -> list[Problem]:
    if any(spec_files(folder)):
        return []
    return [Problem(folder, 1, 1, "a folder without YAML files", f"specs, or a {FILE_NAME}")]


def _workspace_around(path: Path) -> Workspace | None:
    """The workspace a lone file belongs to, if there is a good one upwards; its components then count."""
    start = path.absolute().parent
    for folder in (start, *start.parents):
        if (folder / FILE_NAME).is_file() and (folder / FILE_NAME) != path.absolute():
            return _load(folder / FILE_NAME)[0]
    return None


def _load(file: Path) -> tuple[Workspace | None, list[Problem]]:
    from keelwatch.workspace.workspace import load_workspace

    try:
        return load_workspace(file), []
    except InputError as error:
        return None, list(error.problems)


def _as_json(problem: Problem) -> dict[str, str | int | None]:
    return {
        "file": str(problem.file),
        "line": problem.line,
        "column": problem.column,
        "found": problem.found,
        "expected": problem.expected,
        "did_you_mean": problem.did_you_mean or None,
    }


@click.command()
@click.argument("kind", type=click.Choice([kind.name for kind in KINDS]))
def schema(kind: str) -> None:
    """Print the JSON Schema of a kind of file.

    Editors use it to complete and check while you type.
    """
    from keelwatch.workspace.reader import json_schema

    chosen = next(one for one in KINDS if one.name == kind)
    write_out(json.dumps(json_schema(model_of(chosen), f"Keelwatch {kind}"), indent=2))
