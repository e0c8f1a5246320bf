"""What the lints of several rooms share: which files are meant, and how findings are told."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from console.output import counted, emit_json
from keelwatch.workspace import ExitCode, InputError, Problem, SystemClock, UsageError, narrate, write_out
from keelwatch.workspace.find import FILE_NAME, find, here, nearest

if TYPE_CHECKING:
    from console.output import Json
    from keelwatch.workspace.workspace import Workspace
    from probes.lint import Finding

Meant = tuple[list[Path], "Workspace | None", list[Problem]]


def meant(path: Path | None, workspace: Path | None, room: str) -> Meant:
    """The files, the workspace they belong to, and what kept us from finding more. `room` names the folder
    of a workspace that is read when no other is."""
    from keelwatch.workspace.spec_files import spec_files
    from keelwatch.workspace.workspace import load_workspace

    try:
        if path is None or (path / FILE_NAME).is_file():
            whole = load_workspace(find(path or workspace, here()))
            files, problems = spec_files(whole.folders[room])
            return files, whole, problems
        if not path.exists():
            raise UsageError(f"no file or folder at {path}")
        files, problems = spec_files(path) if path.is_dir() else ([path], [])
    except OSError as error:
        raise UsageError(f"cannot look at {path}: {error.strerror}") from None
    return files, _around(path, workspace), problems


def _around(path: Path, workspace: Path | None) -> Workspace | None:
    """The workspace that was named, else a good one upwards; what it has then counts."""
    from keelwatch.workspace.workspace import load_workspace

    if workspace is not None:
        return load_workspace(find(workspace, here()))
    file = nearest(here() / path if path.is_dir() else (here() / path).parent)
    try:
        return None if file is None else load_workspace(file)
    except InputError:  # `check` says what is wrong with it
        return None


def unreadable(path: Path | None, what: str, count: int, problems: Sequence[Problem]) -> list[Finding]:
    """`problems` as findings. None of them, and none of the kind `what` (`journey`) at the `path` that was
    named, is one too."""
    from probes.lint import Finding, Severity

    if path is not None and not (count or problems):
        problems = [Problem(path, 1, 1, f"no {what}", f"at least one: a YAML file with the key {what}")]
    return [Finding(Severity.ERROR, "format", one) for one in problems]


def tell(
    what: str,
    count: int,
    found: Sequence[Finding],
    *,
    json_wanted: bool,
    waiting: Sequence[str] | None = None,
) -> None:
    """Print the findings in `count` files of the kind `what` (`journey`): lines, or one document. `waiting`
    are files in which more may be found once what is told is mended; None where nobody keeps count."""
    if json_wanted:
        body: dict[str, Json] = {f"{what}s": count, "findings": [_as_json(one) for one in found]}
        if waiting is not None:
            body["not_all_told"] = list(waiting)
        emit_json(f"{COMMANDS[what]}-lint", None, SystemClock().now(), body)
        return
    for one in found:
        write_out(str(one))
    narrate(_summary(what, count, found))
    if waiting:
        narrate(f"more may be found once these are mended: {', '.join(waiting)}")


def leave(found: Sequence[Finding], *, strict: bool) -> None:
    """End the command: 3 for an error, and for a warning when `strict`."""
    from probes.lint import Severity

    refused = {Severity.ERROR, Severity.WARNING} if strict else {Severity.ERROR}
    sys.exit(ExitCode.BAD_INPUT if any(one.severity in refused for one in found) else ExitCode.PASS)


COMMANDS = {"journey": "probe", "runbook": "runbook"}


def _as_json(finding: Finding) -> dict[str, Json]:
    return {"severity": finding.severity.value, "rule": finding.rule, **problem_json(finding.problem)}


def problem_json(problem: Problem) -> dict[str, Json]:
    return {
        "file": str(problem.file),
        "line": problem.line,
        "column": problem.column,
        "found": problem.found,
        "expected": problem.expected,
        "did_you_mean": problem.did_you_mean or None,
    }


def _summary(what: str, count: int, found: Sequence[Finding]) -> str:
    """`10 journeys, 1 error, 2 warnings`"""
    from probes.lint import Severity

    counts = [(sum(one.severity is severity for one in found), severity.value) for severity in Severity]
    told = [counted(number, word) for number, word in counts if number] or ["all well"]
    return ", ".join([counted(count, what), *told])
