"""`keelwatch runs`, `attach`, `stop`, `heal`: runs from any terminal."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from console.options import as_json, or_global
from console.output import emit_json
from keelwatch.workspace import ExitCode, SystemClock, UsageError, narrate, write_out

if TYPE_CHECKING:
    from keelwatch.ledger import LedgerStore
    from keelwatch.runs import Glance, ProcessTable


@contextmanager
def ledger(*, to_write: bool = False) -> Iterator[LedgerStore]:
    from keelwatch.ledger import Access, open_ledger

    store = open_ledger(access=Access.WRITE if to_write else Access.READ)
    try:
        yield store
    finally:
        store.close()


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
def attach(run: str, answer: str | None) -> None:
    """Follow a run from this terminal.

    Ctrl-C stops the run, which undoes what it did (a runbook pauses instead); closing the terminal only
    detaches. The exit code is that of the run's verdict.
    """
    from keelwatch import runs as kernel

    with ledger(to_write=answer is not None) as store:
        kernel.load(store, run)
        if answer is not None:
            kernel.answer(store, run, answer)
        sys.exit(_follow(store, run))


def _follow(store: LedgerStore, run: str) -> ExitCode:
    from console.view.run import glance_lines
    from keelwatch import runs as kernel

    def show(glance: Glance) -> None:
        for line in glance_lines(glance):
            write_out(line)
        sys.stdout.flush()

    end, code = kernel.attend(store, run, show, may_ask=False)
    match end:
        case kernel.FollowEnd.DETACHED:
            narrate(f"detached; the run goes on. Follow it again: keelwatch attach {run}")
        case kernel.FollowEnd.ASKED:
            question = kernel.load(store, run).question
            choices = "|".join(question.choices) if question else "ANSWER"
            narrate(f"{question.text if question else 'the run waits'}")
            narrate(f"  answer it: keelwatch attach {run} --answer {choices}")
        case kernel.FollowEnd.OVER:
            narrate(f"{run} is over, exit code {int(code)}")
    return code


@click.command()
@click.argument("run", required=False)
@click.option(
    "--all", "everything", is_flag=True, help="Stop every living run (with --env: of one environment)."
)
@click.option("--env", "environment", callback=or_global, help="Only runs on this environment.")
@click.option("--reason", default="", help="Why; it goes into the ledger.")
def stop(run: str | None, environment: str | None, reason: str, *, everything: bool) -> None:
    """Stop a run; it undoes what it did.

    A runbook pauses instead. The signal goes first and the record second, so this works with the ledger
    full or locked.
    """
    from keelwatch import runs as kernel

    if (run is None) != everything:
        raise UsageError("stop what?", "keelwatch stop RUN, or keelwatch stop --all --env ENV")
    reports = kernel.stop_all(environment or "", reason) if run is None else [kernel.stop(run, reason)]
    if not reports:
        write_out("no living run")
    for report in reports:
        write_out(f"{report.run}  {'told to stop' if report.signalled else 'has no living process'}")
        if report.error:
            narrate(f"  not recorded: {report.error}")
    missed = run is not None and not reports[0].signalled
    sys.exit(ExitCode.UNKNOWN if missed else ExitCode.PASS)


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
