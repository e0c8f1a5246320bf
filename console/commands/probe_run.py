"""`keelwatch probe run`: journeys now, here or in CI."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.runs import ledger
from console.options import in_environment
from console.output import counted, json_document
from console.places import Place, place
from keelwatch.workspace import (
    ExitCode,
    SourceError,
    SystemClock,
    UsageError,
    narrate,
    redact,
    worst,
    write_out,
)
from keelwatch.workspace.visible import visible, visible_line

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
    from probes.instance import arguments, change_something, chosen

    if bool(names) == everything:
        raise UsageError("run which journeys?", "keelwatch probe run NAME..., or keelwatch probe run --all")
    if _takes_stdout(json_file) and _takes_stdout(junit):
        raise UsageError("stdout takes one document", "name a file for --json or for --junit")
    if detach and (github or junit is not None or json_file is not None):
        raise UsageError(
            "--detach leaves before there is anything to report",
            "without --detach, or without --json, --junit and --github: keelwatch attach RUN follows it",
        )
    where = place(workspace, environment)
    allow(where, arm=arm)
    known = _journeys(where, names)
    instances = chosen(known, names or sorted(known), regions, where.environment.regions)
    args = arguments(where.workspace.file, names, regions, changes=change_something(instances))
    name = ", ".join(names) if names else "all journeys"
    with ledger(to_write=True) as store:
        run_id = start(store, where, name, args)
        if detach:
            write_out(run_id)
            return
        voice = Voice(quiet=_takes_stdout(json_file, junit), github=github)
        followed, code, ending = _follow(store, run_id, voice)
        executions = followed.outcome(where.name, run_id, ending, undos_in(store.after(0, run=run_id)))
    _tell_cut_off([one for one in executions if one not in followed.executions.values()], voice)
    reports = Reports(where.name, run_id, executions, code)
    lost = reports.write(voice, junit=junit, json_file=json_file)
    sys.exit(worst([code, ExitCode.SOURCE]) if lost else code)


def start(store: LedgerStore, where: Place, name: str, args: JsonObject) -> str:
    """A run of kind probe; returns its id."""
    from console.processes import ENTRY, TABLE
    from keelwatch.runs import spawn

    return spawn(store, TABLE.kind("probe"), name, args, where.name, ENTRY)


def _journeys(where: Place, names: Sequence[str]) -> dict[str, Journey]:
    """By name. Says which files were left out for their problems, which are none of the named journeys'."""
    from probes.load import load_wanted

    known, problems = load_wanted(where.workspace.folders["probes"], names)
    if problems:
        files = ", ".join(dict.fromkeys(str(one.file) for one in problems))
        narrate(f"warning: {counted(len(problems), 'problem')} in files of other journeys: {files}")
        narrate("  see: keelwatch probe lint")
    return known


def allow(where: Place, *, arm: bool, how: str = "add --arm") -> None:
    """Role, arming (`how` says how to), and whether the environment can be entered at all, before a run is
    made of it."""
    from console import roles
    from keelwatch.workspace.entrance import entrance_of

    roles.allow(where, "probe", arm=arm, how=how)
    entrance_of(where.name, where.environment, where.workspace.root)


@dataclass(frozen=True, slots=True)
class Voice:
    """How a run is told. `quiet`: a document has stdout to itself. `github`: the runner takes commands from
    both streams, so no line of ours that holds what a server said may look like one."""

    quiet: bool
    github: bool

    def report(self, text: str) -> None:
        """What came of it: to stdout where that is free."""
        (narrate if self.quiet else write_out)(self._harmless(text))

    def narrate(self, text: str) -> None:
        """What happens meanwhile."""
        narrate(self._harmless(text))

    def command(self, line: str) -> None:
        """For the runner: it reads either stream."""
        (narrate if self.quiet else write_out)(line)

    def _harmless(self, text: str) -> str:
        if not self.github:
            return text
        from probes.reports.github import told

        return told(text)


def _tell_cut_off(executions: Sequence[Execution], voice: Voice) -> None:
    """What a dead run could not tell or keep itself."""
    from probes.history import History
    from probes.reports.lines import failure

    for execution in executions:
        for line in failure(execution):
            voice.report(line)
        if execution.id:
            History(execution.environment).keep(execution)


def _takes_stdout(*files: Path | None) -> bool:
    """Whether a document goes to stdout, so that everything else must not."""
    return any(file is not None and str(file) == "-" for file in files)


def _follow(store: LedgerStore, run_id: str, voice: Voice) -> tuple[Followed, ExitCode, str]:
    """Follow to the end, saying what happens; returns also why executions are missing, if some are."""
    from keelwatch import runs as kernel
    from probes.follow import Followed

    followed = Followed()
    progress = Progress(followed, voice)
    end, code = kernel.attend(store, run_id, progress.show, may_ask=False)
    progress.clear()
    state = kernel.view(store, run_id).state
    if end is kernel.FollowEnd.DETACHED:
        narrate(f"detached; the run goes on: keelwatch attach {run_id}")
    if state.verdict is not None and not followed.plan:
        voice.narrate(f"{state.verdict}")
    return followed, code, str(state.verdict.reason) if state.verdict else "the run died before it"


class Progress:
    """A bar on a terminal; otherwise a line per step. Results are lines of their own in both."""

    def __init__(self, followed: Followed, voice: Voice) -> None:
        self._followed = followed
        self._voice = voice
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
                self._voice.narrate(str(item.record["say"]))
            match self._followed.take(item) if isinstance(item, StreamLine) else None:
                case StepTold(where=where, step=step) if not self._bar:
                    self._voice.narrate(step_line(*where, step))
                case Execution() as execution:
                    self.clear()
                    passed = execution.result is Result.PASS and not execution.left_behind
                    for line in [execution_line(execution)] if passed else failure(execution):
                        self._voice.report(line)
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
        sys.stderr.write(visible_line(redact(line)))
        sys.stderr.flush()
        self._drawn = len(line)


@dataclass(frozen=True, slots=True)
class Reports:
    """What a run that is over is reported as, once it is known how it ended (`code`)."""

    environment: str
    run: str
    executions: Sequence[Execution]
    code: ExitCode

    def write(self, voice: Voice, *, junit: Path | None, json_file: Path | None) -> bool:
        """Write each that is wanted, also when another could not be; returns whether one is lost, which is
        told."""
        from probes.reports.github import told_json, told_xml
        from probes.reports.lines import summary

        if not voice.quiet:
            voice.report(f"{summary(list(self.executions))}  (run {self.run})")
        json_for_log, xml_for_log = (told_json, told_xml) if voice.github else (str, str)
        wanted: list[Callable[[], None]] = []
        if json_file is not None:
            wanted.append(lambda: _write(json_file, self._json(), json_for_log))
        if junit is not None:
            wanted.append(lambda: _write(junit, self._junit(), xml_for_log))
        if voice.github:
            wanted.append(lambda: self._to_github(voice))
        return not all([_attempted(write) for write in wanted])  # noqa: C419 - each of them, not up to a failure

    def _json(self) -> str:
        from probes.record_json import to_json

        body = {
            "run": self.run,
            "exit": int(self.code),
            "executions": [to_json(one) for one in self.executions],
        }
        return json_document("probe-run", self.environment, SystemClock().now(), body)

    def _junit(self) -> str:
        from probes.reports.junit import junit

        return junit(self.environment, self.executions)

    def _to_github(self, voice: Voice) -> None:
        from probes.reports.github import commands, step_summary

        for line in commands(self.executions):
            voice.command(line)
        if page := os.environ.get("GITHUB_STEP_SUMMARY"):
            try:
                with Path(page).open("a", encoding="utf-8") as file:
                    file.write(visible(redact(step_summary(self.environment, self.executions))))
            except OSError as error:
                raise SourceError(f"cannot write the summary {page}: {error.strerror}") from None


def _attempted(write: Callable[[], None]) -> bool:
    try:
        write()
    except SourceError as error:
        narrate(f"error: {error.message}")
        return False
    return True


def _write(path: Path, text: str, for_log: Callable[[str], str]) -> None:
    """A file is nobody's log; stdout may be a job's: `for_log` then says the same without commands."""
    if str(path) == "-":
        write_out(for_log(text.rstrip("\n")))
        return
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(redact(text), encoding="utf-8")
    except OSError as error:
        raise SourceError(f"cannot write {path}: {error.strerror}", "choose another place") from None
