"""`keelwatch runbook run` and `resume`: carry a procedure out, and go on where it was left."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.runs import ledger
from console.options import in_environment, with_inputs
from console.places import Place, place
from keelwatch.workspace import ExitCode, Refused, SourceError, UsageError, narrate, write_out

if TYPE_CHECKING:
    from keelwatch.ledger import LedgerStore
    from runbooks.conduct.plan import Plan

TRIES = 3


@click.command("run")
@click.argument("name")
@in_environment
@with_inputs
@click.option("--ungraceful", is_flag=True, help="The old region is lost, and what only it has with it.")
@click.option("--plan", "plan_sha", metavar="SHA", help="Only when the plan still has this hash.")
@click.option("--arm", is_flag=True, help="In place of typing the name at a terminal.")
@click.option("--approve-as", metavar="NAME", help="For drills: approve as somebody else (sandbox only).")
@click.option("--detach", is_flag=True, help="Start the run and leave.")
def run(
    name: str,
    workspace: Path | None,
    environment: str | None,
    inputs: dict[str, str],
    plan_sha: str | None,
    approve_as: str | None,
    *,
    ungraceful: bool,
    arm: bool,
    detach: bool,
) -> None:
    """Carry a runbook out, step by step.

    It runs in a process of its own: a lost terminal stops nothing. Ctrl-C pauses it. Exit code 6 when it was
    refused, 7 when it was aborted and taken back, 8 when something is left half done.
    """
    from console.runbooks import allow, planned, start
    from console.view.plan import plan_lines
    from runbooks.stages import Mode

    where = place(workspace, environment)
    allow(where, arm=arm or sys.stdin.isatty(), how="add --arm, or type the name at a terminal")
    order, plan = planned(where, name, inputs, Mode.UNGRACEFUL if ungraceful else Mode.GRACEFUL)
    for line in plan_lines(plan):
        write_out(line)
    if plan_sha is not None and plan_sha != plan.sha:
        raise Refused(
            f"the plan is {plan.sha} now, not {plan_sha}", "look at it again, then use its new hash"
        )
    if not arm:
        _confirm(plan)
    with ledger(to_write=True) as store:
        run_id = start(store, order, plan)
        narrate(f"run {run_id}; follow it anywhere: keelwatch attach {run_id}")
        if approve_as is not None:
            _approve_when_asked(store, where, run_id, approve_as)
        if detach:
            write_out(run_id)
            return
        sys.exit(_follow(store, run_id))


@click.command("resume")
@click.argument("run_id", metavar="RUN")
@click.option("--detach", is_flag=True, help="Start it again and leave.")
@click.pass_context
def resume(context: click.Context, run_id: str, *, detach: bool) -> None:
    """Go on with a run that was paused or died.

    The text of its start is carried out, not the edited file. What is in doubt is settled first: by looking,
    else by asking.
    """
    from console.options import global_workspace
    from console.roles import require_operator_here
    from keelwatch import runs as kernel
    from runbooks.conduct.follow import progress_of

    with ledger(to_write=True) as store:
        state, _ = progress_of(store, run_id)
        require_operator_here(global_workspace(context), {state.env}, "resuming a run")
        kernel.resume(store, run_id)
        if detach:
            write_out(run_id)
            return
        sys.exit(_follow(store, run_id))


def _confirm(plan: Plan) -> None:
    """The name of the region that is changed most, typed: enter alone does nothing. Raises `Refused`."""
    wanted = plan.values.get("from") or plan.values.get("region") or plan.runbook
    for _ in range(TRIES):
        narrate(f"type {wanted} to run it, or nothing to leave:")
        typed = sys.stdin.readline().strip()
        if typed == wanted:
            return
        if not typed:
            break
    raise Refused("not confirmed; nothing was done", "keelwatch runbook run ... and type the name, or --arm")


def _approve_when_asked(store: LedgerStore, where: Place, run_id: str, name: str) -> None:
    """As soon as the run waits for it. A run that ends or asks something first needs none."""
    import time

    from console.runbooks import approve
    from keelwatch import runs as kernel
    from runbooks.conduct.follow import progress_of

    if not where.environment.policy.drill_approvals:
        kernel.stop(run_id, "approving in another's name is refused here")
        raise Refused("--approve-as is for practice, and this environment is not", "another person approves")
    while True:
        _, progress = progress_of(store, run_id)
        if progress.approval is not None:
            step = approve(store, where, run_id, drill_as=name)
            narrate(f"{step}: approved as {name}, for practice; the ledger says who really did")
            return
        view = kernel.view(store, run_id)
        if view.pid is None or view.state.question is not None:
            return
        time.sleep(0.05)


def _follow(store: LedgerStore, run_id: str) -> ExitCode:
    """To its end, answering what it asks when there is a terminal."""
    from console.view.runbook import glance_lines
    from keelwatch import runs as kernel

    def show(glance: kernel.Glance) -> None:
        for line in glance_lines(glance):
            write_out(line)

    while True:
        end, code = kernel.attend(store, run_id, show, may_ask=False)
        view = kernel.view(store, run_id)
        question = view.state.question
        if end is kernel.FollowEnd.ASKED and question is not None and sys.stdin.isatty():
            _answer(store, run_id, question)
            continue
        break
    match end:
        case kernel.FollowEnd.DETACHED:
            narrate(f"detached; the run goes on: keelwatch attach {run_id}")
        case kernel.FollowEnd.ASKED if question is not None:
            narrate(question.text)
            choices = "|".join(question.choices)
            narrate(f"  answer it: keelwatch attach {run_id} --answer {choices} [--note WHY]")
        case _ if view.state.verdict is None:
            narrate(f"{view.phase}: {view.state.paused or view.state.orphaned or 'its process ended'}")
            narrate(f"  go on: keelwatch runbook resume {run_id}")
        case _:
            narrate(f"{view.state.verdict}")
    return code


def _answer(store: LedgerStore, run_id: str, question: object) -> None:
    from keelwatch import runs as kernel

    assert isinstance(question, kernel.Question)
    narrate(question.text)
    narrate(f"  {' / '.join(question.choices)}:")
    choice = sys.stdin.readline().strip()
    note = ""
    if choice in question.wants_note:
        narrate("  why, in a sentence:")
        note = sys.stdin.readline().strip()
    try:
        kernel.answer(store, run_id, choice, note)
    except (Refused, UsageError, SourceError) as error:
        narrate(error.message)
