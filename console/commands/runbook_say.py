"""`keelwatch runbook approve`, `skip`, `note`, `abort`: what people say to a run."""

from __future__ import annotations

from pathlib import Path

import click

from console.commands.runs import ledger
from console.options import as_json, in_environment
from console.output import emit_json
from console.places import place
from keelwatch.workspace import SystemClock, UsageError, narrate, write_out


@click.command("approve")
@click.argument("run_id", metavar="RUN")
@in_environment
@click.option("--approve-as", "drill_as", default="", metavar="NAME", help="For drills: as somebody else.")
@click.option("--for", "lasts", default="10m", show_default=True, help="How long it is good for.")
@as_json
def approve(
    run_id: str,
    workspace: Path | None,
    environment: str | None,
    drill_as: str,
    lasts: str,
    *,
    json_wanted: bool,
) -> None:
    """Say yes to the plan of a run.

    It must wait for it. Nobody approves their own run. A yes is for this very plan, and for a time.
    """
    from console import runbooks
    from console.view.runbook import approval_lines
    from keelwatch.workspace.reader import parse_duration
    from runbooks.conduct.follow import progress_of

    try:
        lasts_s = parse_duration(lasts).total_seconds()
    except ValueError:
        raise UsageError(f"--for {lasts!r} is no duration", "like: 10m") from None
    with ledger(to_write=True) as store:
        state, progress = progress_of(store, run_id)
        where = place(workspace, environment or state.env)
        for line in approval_lines(progress):
            (narrate if json_wanted else write_out)(line)
        step = runbooks.approve(store, where, run_id, drill_as, lasts_s)
    if json_wanted:
        body = {"run": run_id, "step": step, "plan": progress.plan_sha, "for_s": lasts_s}
        emit_json("runbook-approve", state.env, SystemClock().now(), body)
    else:
        write_out(f"{run_id}: {step} approved, for {lasts}")


@click.command("skip")
@click.argument("run_id", metavar="RUN")
@click.argument("step")
@click.option("--reason", required=True, help="Why; it goes into the ledger.")
@as_json
@click.pass_context
def skip(context: click.Context, run_id: str, step: str, reason: str, *, json_wanted: bool) -> None:
    """Leave a step of a run out.

    One that has not begun, or that has failed; never an approval.
    """
    from console import runbooks
    from console.options import global_workspace
    from console.roles import require_operator_here
    from runbooks.conduct.follow import progress_of

    with ledger(to_write=True) as store:
        state, _ = progress_of(store, run_id)
        require_operator_here(global_workspace(context), {state.env}, "skipping a step")
        runbooks.skip(store, run_id, step, reason)
    if json_wanted:
        body = {"run": run_id, "step": step, "reason": reason}
        emit_json("runbook-skip", state.env, SystemClock().now(), body)
    else:
        write_out(f"{run_id}: {step} is left out: {reason}")


@click.command("note")
@click.argument("run_id", metavar="RUN")
@click.argument("words")
@click.option("--step", default="", metavar="STEP", help="Beside this step, not the one that it is at.")
@as_json
@click.pass_context
def note(context: click.Context, run_id: str, words: str, step: str, *, json_wanted: bool) -> None:
    """Note something beside a step of a run.

    It stands in the ledger, and beside the step wherever the run is shown; also once the run is over.
    """
    from console import runbooks
    from console.options import global_workspace
    from console.roles import require_operator_here
    from runbooks.conduct.follow import progress_of

    if not words.strip():
        raise UsageError("a note wants words")
    with ledger(to_write=True) as store:
        state, _ = progress_of(store, run_id)
        require_operator_here(global_workspace(context), {state.env}, "noting something")
        name = runbooks.remark(store, run_id, words, step)
    if json_wanted:
        body = {"run": run_id, "step": name, "note": words}
        emit_json("runbook-note", state.env, SystemClock().now(), body)
    else:
        write_out(f"{run_id}: noted beside {name}")


@click.command("abort")
@click.argument("run_id", metavar="RUN")
@click.option("--reason", required=True, help="Why; it goes into the ledger.")
@click.option("--detach", is_flag=True, help="Do not wait for its end.")
@as_json
@click.pass_context
def abort(context: click.Context, run_id: str, reason: str, *, detach: bool, json_wanted: bool) -> None:
    """End a run, and take back what it did.

    The newest first, each verified. Its end is waited for, and its exit code is this one's: 7 when all is
    taken back.

    After the point of no return nothing is taken back: the run ends with what is left, exit code 8. A paused
    run is taken up for it.
    """
    from console import runbooks
    from console.commands.runbook_run import finish, follow_run
    from console.options import global_workspace
    from console.roles import require_operator_here
    from runbooks.conduct.follow import progress_of

    with ledger(to_write=True) as store:
        state, _ = progress_of(store, run_id)
        require_operator_here(global_workspace(context), {state.env}, "aborting a run")
        runbooks.abort(store, run_id, reason)
        code = None if detach else follow_run(store, run_id, narrate if json_wanted else write_out)
        finish(store, run_id, code, json_wanted=json_wanted)
