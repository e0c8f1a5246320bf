"""`keelwatch probe run`: journeys now, here or in CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.runs import ledger
from console.options import in_environment
from console.output import json_document
from console.places import Place, place
from keelwatch.workspace import (
    ExitCode,
    Refused,
    SourceError,
    SystemClock,
    UsageError,
    narrate,
    redact,
    write_out,
)

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject, LedgerStore
    from keelwatch.runs import Glance
    from probes.follow import Followed
    from probes.load import Journey
    from probes.record import Execution

BAR = 24  # columns


@click.command("run")
@click.argument("names", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="Every journey.")
@in_environment
@click.option("--region", "regions", multiple=True, help="Only there (may be repeated).")
@click.option("--junit", type=click.Path(path_type=Path), help="Write JUnit XML here, - for stdout.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="Write JSON here, - for stdout.")
@click.option("--github", is_flag=True, help="Annotate the GitHub job, and write its summary.")
@click.option("--detach", is_flag=True, help="Start the run and leave.")
@click.option("--arm", is_flag=True, help="Where the environment's policy wants probes armed.")
def run(
    names: tuple[str, ...],
    workspace: Path | None,
    environment: str | None,
    regions: tuple[str, ...],
    junit: Path | None,
    json_file: Path | None,
    *,
    everything: bool,
    github: bool,
    detach: bool,
    arm: bool,
) -> None:
    """Run journeys now and report on them.

    Exit code 0 when all passed, 1 when one failed, 4 when one could not be judged, 8 when something was left
    behind. Ctrl-C stops the run, which takes back what it did.
    """
    from probes.follow import undos_in
    from probes.instance import arguments, chosen

    if bool(names) == everything:
        raise UsageError("run which journeys?", "keelwatch probe run NAME..., or keelwatch probe run --all")
    where = place(workspace, environment)
    allow(where, arm=arm)
    known = {journey.name: journey for journey in _journeys(where)}
    chosen(known, names or sorted(known), regions, where.environment.regions)
    name = ", ".join(names) if names else "all journeys"
    with ledger(to_write=True) as store:
        run_id = start(store, where, name, arguments(where.workspace.file, names, regions))
        if detach:
            write_out(run_id)
            return
        quiet = _takes_stdout(json_file, junit)
        followed, code, ending = _follow(store, run_id, quiet=quiet)
        executions = followed.outcome(where.name, run_id, ending, undos_in(store.after(0, run=run_id)))
    _tell_cut_off([one for one in executions if one not in followed.executions.values()], quiet=quiet)
    _report(where.name, run_id, executions, code, junit=junit, json_file=json_file, github=github)
    sys.exit(code)


def start(store: LedgerStore, where: Place, name: str, args: JsonObject) -> str:
    """A run of kind probe; returns its id."""
    from console.processes import ENTRY, TABLE
    from keelwatch.runs import spawn

    return spawn(store, TABLE.kind("probe"), name, args, where.name, ENTRY)


def _journeys(where: Place) -> tuple[Journey, ...]:
    from probes.load import load_folder

    return load_folder(where.workspace.folders["probes"])


def allow(where: Place, *, arm: bool) -> None:
    """Role, arming, and whether the environment can be entered at all, before a run is made of it."""
    from console.user import login_name
    from keelwatch.safety import require_operator
    from keelwatch.workspace.entrance import entrance_of
    from keelwatch.workspace.model import Arming

    policy = where.environment.policy
    require_operator(policy, login_name(), "running journeys")
    if policy.arming.get("probe") is Arming.REQUIRED and not arm:
        raise Refused(f"{where.name} wants journeys armed", "add --arm")
    entrance_of(where.name, where.environment, where.workspace.root)


def _tell_cut_off(executions: Sequence[Execution], *, quiet: bool) -> None:
    """What a dead run could not tell or keep itself."""
    from probes.history import History
    from probes.reports.lines import failure

    for execution in executions:
        for line in failure(execution):
            (narrate if quiet else write_out)(line)
        if execution.id:
            History(execution.environment).keep(execution)


def _takes_stdout(*files: Path | None) -> bool:
    """Whether a document goes to stdout, so that everything else must not."""
    return any(file is not None and str(file) == "-" for file in files)


def _follow(store: LedgerStore, run_id: str, *, quiet: bool) -> tuple[Followed, ExitCode, str]:
    """Follow to the end, saying what happens; returns also why executions are missing, if some are."""
    from keelwatch import runs as kernel
    from probes.follow import Followed

    followed = Followed()
    progress = Progress(followed, say=narrate if quiet else write_out)
    end, code = kernel.attend(store, run_id, progress.show, may_ask=False)
    progress.clear()
    state = kernel.view(store, run_id).state
    if end is kernel.FollowEnd.DETACHED:
        narrate(f"detached; the run goes on: keelwatch attach {run_id}")
    if state.verdict is not None and not followed.plan:
        narrate(f"{state.verdict}")
    return followed, code, str(state.verdict.reason) if state.verdict else "the run died before it"


class Progress:
    """A bar on a terminal; otherwise a line per step. Results are lines of their own in both."""

    def __init__(self, followed: Followed, say: Callable[[str], None]) -> None:
        self._followed = followed
        self._say = say
        self._bar = sys.stderr.isatty()
        self._drawn = 0

    def show(self, glance: Glance) -> None:
        from keelwatch.runs import StreamLine
        from probes.follow import StepTold
        from probes.record import Execution, Result
        from probes.reports.lines import execution_line, failure, step_line

        for item in glance.items:
            if isinstance(item, StreamLine) and "say" in item.record:
                self.clear()
                narrate(str(item.record["say"]))
            match self._followed.take(item) if isinstance(item, StreamLine) else None:
                case StepTold(where=where, step=step) if not self._bar:
                    narrate(step_line(*where, step))
                case Execution() as execution:
                    self.clear()
                    passed = execution.result is Result.PASS and not execution.left_behind
                    for line in [execution_line(execution)] if passed else failure(execution):
                        self._say(line)
        if self._bar:
            self._draw()

    def clear(self) -> None:
        if self._drawn:
            sys.stderr.write("\r" + " " * self._drawn + "\r")
            sys.stderr.flush()
            self._drawn = 0

    def _draw(self) -> None:
        total, done = len(self._followed.plan), len(self._followed.executions)
        if not total:
            return
        filled = BAR * done // total
        running = ", ".join(f"{journey} ({region})" for journey, region in self._followed.running())
        line = f"[{'#' * filled}{'.' * (BAR - filled)}] {done}/{total}  {running}"[:78]
        self.clear()
        sys.stderr.write(redact(line))
        sys.stderr.flush()
        self._drawn = len(line)


def _report(
    environment: str,
    run_id: str,
    executions: Sequence[Execution],
    code: ExitCode,
    *,
    junit: Path | None,
    json_file: Path | None,
    github: bool,
) -> None:
    from probes.record_json import to_json
    from probes.reports.lines import summary

    if not _takes_stdout(json_file, junit):
        write_out(f"{summary(list(executions))}  (run {run_id})")
    if json_file is not None:
        body = {"run": run_id, "exit": int(code), "executions": [to_json(one) for one in executions]}
        _write(json_file, json_document("probe-run", environment, SystemClock().now(), body))
    if junit is not None:
        from probes.reports.junit import junit as as_junit

        _write(junit, as_junit(environment, executions))
    if github:
        _to_github(environment, executions)


def _to_github(environment: str, executions: Sequence[Execution]) -> None:
    from probes.reports.github import commands, step_summary

    for line in commands(executions):
        write_out(line)
    if page := os.environ.get("GITHUB_STEP_SUMMARY"):
        try:
            with Path(page).open("a") as file:
                file.write(redact(step_summary(environment, executions)))
        except OSError as error:
            raise SourceError(f"cannot write the summary {page}: {error.strerror}") from None


def _write(path: Path, text: str) -> None:
    if str(path) == "-":
        write_out(text.rstrip("\n"))
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(redact(text))
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror}", "choose another place") from None
