"""`keelwatch runs`, `attach`, `stop`, `heal`: runs from any terminal."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from console.options import as_json, global_workspace, or_global
from console.output import emit_json, is_lost
from console.roles import require_operator_here
from keelwatch.workspace import ExitCode, KeelwatchError, SystemClock, UsageError, narrate, write_out

if TYPE_CHECKING:
    from keelwatch.ledger import LedgerStore
    from keelwatch.runs import FollowEnd, Glance, ProcessTable, RunView, StopReport


def ledger(*, to_write: bool = False) -> AbstractContextManager[LedgerStore]:
    from keelwatch.ledger import Access, open_ledger

    return closing(open_ledger(access=Access.WRITE if to_write else Access.READ))


def known_processes(context: click.Context) -> ProcessTable:
    """The program's own table of runs and verbs, unless whoever embeds the command line gave another."""
    from console.processes import TABLE
    from keelwatch.runs import ProcessTable

    given = (context.find_root().obj or {}).get("processes")
    return given if isinstance(given, ProcessTable) else TABLE


@click.command()
@as_json
def runs(*, json_wanted: bool) -> None:
    """List runs, living and ended.

    The newest first. A pid is shown while the process lives.
    """
    from console.view import run as view
    from keelwatch import runs as kernel

    with ledger() as store:
        found = kernel.runs(store)
    if json_wanted:
        emit_json("runs", None, SystemClock().now(), {"runs": [view.as_json(one) for one in found]})
        return
    for line in view.listed(found):
        write_out(line)


@click.command()
@click.argument("run")
@click.option("--answer", help="Answer the question the run is waiting with.")
@click.option("--note", default="", help="With --answer: why, or the evidence that is asked for.")
@as_json
@click.pass_context
def attach(context: click.Context, run: str, answer: str | None, note: str, *, json_wanted: bool) -> None:
    """Follow a run from this terminal.

    Ctrl-C stops the run, which undoes what it did (a runbook pauses instead); closing the terminal only
    detaches. The exit code is that of the run's verdict. With --json the lines are narration, and how it
    ended is the document.
    """
    from console.view import run as view
    from keelwatch import runs as kernel

    with ledger(to_write=answer is not None) as store:
        asked = kernel.load(store, run)
        if answer is not None:
            require_operator_here(global_workspace(context), {asked.env}, "answering a run")
            kernel.answer(store, run, answer, note)
        end, code = kernel.attend(store, run, _narrated if json_wanted else _shown, may_ask=False)
        now = kernel.view(store, run)
    _tell_end(now, end, code)
    if json_wanted:
        body = {
            "end": end.value,
            "exit": int(code),
            "question": _question_json(now),
            "run": view.as_json(now),
        }
        emit_json("attach", now.state.env, SystemClock().now(), body)
    sys.exit(code)


def _shown(glance: Glance) -> None:
    for line in _lines(glance):
        write_out(line)
    if is_lost():  # nobody reads any more: the same as a terminal that was closed
        signal.raise_signal(signal.SIGHUP)


def _narrated(glance: Glance) -> None:
    for line in _lines(glance):
        narrate(line)


def _lines(glance: Glance) -> list[str]:
    """A runbook tells its steps, and an experiment what it says; of other runs every fact is shown."""
    from console.view import chaos, load, run, runbook

    tellers = {
        "runbook": runbook.glance_lines,
        "chaos": chaos.glance_lines,
        "load": load.glance_lines,
    }
    return tellers.get(glance.run.state.kind, run.glance_lines)(glance)


def _tell_end(run: RunView, end: FollowEnd, code: ExitCode) -> None:
    from keelwatch import runs as kernel

    question = run.state.question
    match end:
        case kernel.FollowEnd.DETACHED:
            narrate(f"detached; the run goes on. Follow it again: keelwatch attach {run.state.id}")
        case kernel.FollowEnd.ASKED:
            from console.view.run import answer_lines

            for line in answer_lines(run.state.id, question) if question else ["the run waits"]:
                narrate(line)
        case kernel.FollowEnd.OVER:
            narrate(f"{run.state.id} is over, exit code {int(code)}")


def _question_json(run: RunView) -> dict[str, object] | None:
    question = run.state.question
    return {"text": question.text, "choices": list(question.choices)} if question else None


@click.command()
@click.argument("run", required=False)
@click.option(
    "--all", "everything", is_flag=True, help="Stop every living run (with --env: of one environment)."
)
@click.option("--env", "environment", callback=or_global, help="Only runs on this environment.")
@click.option("--reason", default="", help="Why; it goes into the ledger.")
@as_json
@click.pass_context
def stop(
    context: click.Context,
    run: str | None,
    environment: str | None,
    reason: str,
    *,
    everything: bool,
    json_wanted: bool,
) -> None:
    """Stop a run; it undoes what it did.

    A runbook pauses instead. The signal goes first and the record second, so this works with the ledger
    full or locked. --env goes by what the runs recorded at their start, so it works with a broken
    workspace too; a name that neither a living run nor the workspace has is a usage error.
    """
    if (run is None) != everything:
        raise UsageError("stop what?", "keelwatch stop RUN, or keelwatch stop --all --env ENV")
    if run is None:
        reports, code = _pull_lever(context, environment or "", reason)
    else:
        reports, code = _stop_one(run, reason)
    if json_wanted:
        told = {"reason": reason, "stopped": [asdict(one) | {"error": one.error or None} for one in reports]}
        emit_json("stop", environment, SystemClock().now(), told)
    else:
        _tell_stopped(reports, code)
    sys.exit(code)


def _tell_stopped(reports: Sequence[StopReport], code: ExitCode) -> None:
    if not reports and code is ExitCode.PASS:
        write_out("no living run")
    for report in reports:
        write_out(f"{report.run}  {'told to stop' if report.signalled else 'has no living process'}")
        if report.error:
            narrate(f"  not recorded: {report.error}")


def _stop_one(run: str, reason: str) -> tuple[list[StopReport], ExitCode]:
    from keelwatch import runs as kernel

    report = kernel.stop(run, reason)
    return [report], ExitCode.PASS if report.signalled else ExitCode.UNKNOWN


def _pull_lever(context: click.Context, environment: str, reason: str) -> tuple[list[StopReport], ExitCode]:
    """Stop first, by the name as the runs recorded it, and only then ask whether there is such an
    environment: a workspace that is broken, slow or another one must not keep the lever from working."""
    from keelwatch import runs as kernel

    recorded = kernel.living_environments()
    reports = kernel.stop_all(environment, reason)
    if not environment or environment in recorded:
        return reports, ExitCode.PASS
    try:
        known = {*_environments(context), *recorded - {""}}
    except KeelwatchError as error:
        narrate(f"no living run recorded {environment!r}, and no workspace says whether there is such a one:")
        narrate(f"  {error.message.splitlines()[0]}")
        return reports, ExitCode.UNKNOWN if recorded else ExitCode.PASS
    if environment in known:
        return reports, ExitCode.PASS
    unknown = _unknown_environment(environment, known)
    if not reports:
        raise unknown
    narrate(
        f"error: {unknown.message}; what was stopped has lost the record of its own\n  try: {unknown.hint}"
    )
    return reports, ExitCode.USAGE


def _environments(context: click.Context) -> Iterable[str]:
    """The names in the workspace. Raises a `KeelwatchError` when it is missing or broken."""
    from keelwatch.workspace.find import find, here
    from keelwatch.workspace.workspace import load_workspace

    return load_workspace(find(global_workspace(context), here())).environments


def _unknown_environment(name: str, known: Iterable[str]) -> UsageError:
    from keelwatch.workspace.reader import closest

    near = closest(name, known)
    hint = f"did you mean {near!r}?" if near else "there are: " + ", ".join(sorted(known))
    return UsageError(f"there is no environment {name!r}, and no living run recorded it", hint)


@click.command()
@click.option("--list", "only_list", is_flag=True, help="List what is open and close nothing.")
@as_json
@click.pass_context
def heal(context: click.Context, *, only_list: bool, json_wanted: bool) -> None:
    """List what was left undone, and undo it.

    Undoes what dead runs left, verifies it, and lists the rest. Exit code 8 when something orphaned or
    failed stays open.
    """
    from console.view import run as view
    from keelwatch import runs as kernel

    with ledger(to_write=not only_list) as store:
        if only_list:
            report = kernel.HealReport(kernel.list_open(store), ())
        else:
            owed_in = {kernel.load(store, one.run).env for one in kernel.list_open(store)}
            require_operator_here(global_workspace(context), owed_in, "healing")
            report = kernel.heal(store, known_processes(context))
    if json_wanted:
        body = {
            "open": [view.undo_json(one) for one in report.open],
            "healed": [view.undo_json(one) for one in report.healed],
        }
        emit_json("heal", None, SystemClock().now(), body)
    else:
        for line in view.heal_lines(report):
            write_out(line)
    sys.exit(report.exit_code)
