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

    With the component that each puts to the test, the verdict that is expected and the last one; and the runs
    and open faults of the environment.
    """
    from console.chaos import experiments
    from console.chaos_book import ChaosBook
    from console.view.chaos import experiment_json, open_json
    from console.view.chaos_shelf import shelf_lines

    where, now = place(workspace, environment), SystemClock().now()
    found = experiments(where)
    shelf = ChaosBook(where).shelf_of(found, "", now)
    if json_wanted:
        files = {one.name: str(one.file) for one in found}
        body = {
            "experiments": [experiment_json(one, files[one.name], shelf.trouble) for one in shelf.rows],
            "open": [open_json(one) for one in shelf.owed] if shelf.owed_known else None,
        }
        emit_json("chaos-list", where.name, now, body)
        return
    if not found:
        narrate(f"no experiments in {where.workspace.folders['chaos']}")
        return
    for line in shelf_lines(shelf, now):
        write_out(line)


@click.command("check")
@click.argument("files", nargs=-1, type=click.Path(path_type=Path))
@in_workspace
@as_json
def check(files: tuple[Path, ...], workspace: Path | None, *, json_wanted: bool) -> None:
    """Check experiments by Chaos Toolkit's own rules, and ours.

    Without FILES: all of the workspace. Whatever they name must be there: regions, components, faults, verbs,
    journeys, objectives, hosts, modules; PromQL must parse. Exit code 3 when something is wrong, each with
    file, line and column.
    """
    from chaos.lint import check as flaws_in
    from chaos.load import experiment_files
    from console.processes import TABLE
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
    problems += flaws_in(meant, around, TABLE.verbs)
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
