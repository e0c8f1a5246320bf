"""`keelwatch chaos list`, `check` and `dry-run`: what there is, whether it is right, and what it would do."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from console.findings import problem_json
from console.options import as_json, as_json_or_plain, in_environment, in_workspace
from console.output import counted, emit_json
from console.places import place
from keelwatch.workspace import ExitCode, Problem, SystemClock, UsageError, narrate, write_out


@click.command("list")
@in_environment
@as_json_or_plain
def list_experiments(workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """List the experiments of the workspace.

    With the component that each puts to the test, the objectives of its guard, and the verdict that is
    expected.
    """
    from console.chaos import experiments
    from console.view.chaos import experiment_json, list_lines

    where = place(workspace, environment)
    found = experiments(where)
    if json_wanted:
        body = {"experiments": [experiment_json(one) for one in found]}
        emit_json("chaos-list", where.name, SystemClock().now(), body)
        return
    if not found:
        narrate(f"no experiments in {where.workspace.folders['chaos']}")
        return
    for line in list_lines(found):
        write_out(line)


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@in_workspace
@as_json
def check(files: tuple[Path, ...], workspace: Path | None, *, json_wanted: bool) -> None:
    """Check experiments by Chaos Toolkit's own rules, and ours.

    Without FILES: all of the workspace. Regions, components and hosts must be of the workspace. Exit code 3
    when something is wrong, each with file, line and column.
    """
    from chaos.lint import check as flaws_in
    from chaos.load import experiment_files
    from keelwatch.workspace.find import find, here
    from keelwatch.workspace.workspace import load_workspace

    around = load_workspace(find(workspace, here()))
    problems: list[Problem] = []
    meant: list[Path] = []
    for path in files or (around.folders["chaos"],):
        if not path.exists() and files:
            raise UsageError(f"no file or folder at {path}")
        listed, unread = experiment_files(path) if path.is_dir() or not files else ([path], [])
        meant += listed
        problems += unread
    problems += flaws_in(meant, around)
    if json_wanted:
        body = {"experiments": len(meant), "problems": [problem_json(one) for one in problems]}
        emit_json("chaos-check", None, SystemClock().now(), body)
    else:
        for one in problems:
            write_out(str(one))
        end = counted(len(problems), "problem") if problems else "all well"
        narrate(f"{counted(len(meant), 'experiment')}, {end}")
    sys.exit(ExitCode.BAD_INPUT if problems else ExitCode.PASS)


@click.command("dry-run")
@click.argument("name")
@in_environment
@as_json
def dry_run(name: str, workspace: Path | None, environment: str | None, *, json_wanted: bool) -> None:
    """Say what an experiment would do, and what takes it back.

    The real systems are asked, and nothing is changed. NAME may be a file. Exit code 6 when something of it
    would be refused.
    """
    from console.chaos import planned, sound
    from console.view.chaos import plan_json, plan_lines

    where = place(workspace, environment)
    experiment = sound(where, name)
    plan = planned(where, experiment).plan
    if json_wanted:
        body = {"experiment": experiment.name, "title": experiment.title, "steps": plan_json(plan)}
        emit_json("chaos-dry-run", where.name, SystemClock().now(), body)
    else:
        for line in plan_lines(experiment, plan):
            write_out(line)
    refused = any(one.trouble for one in plan)
    sys.exit(ExitCode.REFUSED if refused else ExitCode.PASS)
