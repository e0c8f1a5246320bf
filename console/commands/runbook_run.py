"""`keelwatch runbook run` and `resume`: carry a procedure out, and go on where it was left."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.commands.runs import ledger
from console.options import as_json, to_plan
from console.output import emit_json
from console.places import Place, place
from keelwatch.workspace import (
    ExitCode,
    Refused,
    SourceError,
    SystemClock,
    UsageError,
    narrate,
    write_out,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from keelwatch import runs as kernel
    from keelwatch.ledger import LedgerStore
    from runbooks.conduct.plan import Plan

TRIES = 3
WIDTH = 100


@click.command("run")
@to_plan
@click.option("--plan", "plan_sha", metavar="SHA", help="Only when the plan still has this hash.")
@click.option("--arm", is_flag=True, help="In place of typing the name at a terminal.")
@click.option("--approve-as", metavar="NAME", help="For drills: approve as somebody else (sandbox only).")
@click.option("--detach", is_flag=True, help="Start the run and leave.")
@as_json
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
    json_wanted: bool,
) -> None:
    """Carry a runbook out, step by step.

    It runs in a process of its own: a lost terminal stops nothing. Ctrl-C pauses it. Exit code 6 when it was
    refused, 7 when it was aborted and taken back, 8 when something is left half done.
    """
    from console.roles import allow
    from console.runbooks import planned, start
    from console.view.plan import plan_lines
    from runbooks.stages import Mode

    where = place(workspace, environment)
    allow(where, "runbook", arm=arm or sys.stdin.isatty(), how="add --arm, or type the name at a terminal")
    order, plan = planned(where, name, inputs, Mode.UNGRACEFUL if ungraceful else Mode.GRACEFUL)
    tell = narrate if json_wanted else write_out
    for line in plan_lines(plan):
        tell(line)
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
        code = None if detach else follow_run(store, run_id, tell)
        finish(store, run_id, code, json_wanted=json_wanted)


@click.command("resume")
@click.argument("run_id", metavar="RUN")
@click.option("--detach", is_flag=True, help="Start it again and leave.")
@as_json
@click.pass_context
def resume(context: click.Context, run_id: str, *, detach: bool, json_wanted: bool) -> None:
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
        code = None if detach else follow_run(store, run_id, narrate if json_wanted else write_out)
        finish(store, run_id, code, json_wanted=json_wanted)


def finish(store: LedgerStore, run_id: str, code: ExitCode | None, *, json_wanted: bool) -> None:
    """The document, or the id of a run that nobody follows; and out with `code`."""
    if json_wanted:
        from console.runbook_book import story_in
        from console.view.run_json import run_json

        now, story = SystemClock().now(), story_in(store, run_id)
        emit_json("runbook-show", story.environment, now, run_json(story, now))
    elif code is None:
        write_out(run_id)
    if code is not None:
        sys.exit(code)


def _confirm(plan: Plan) -> None:
    """The name of the region that is changed most, typed: enter alone does nothing. Raises `Refused`."""
    from console.runbooks import confirmed_by

    wanted = confirmed_by(plan)
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


def follow_run(store: LedgerStore, run_id: str, tell: Callable[[str], None]) -> ExitCode:
    """To its end, answering what it asks when there is a terminal."""
    from console.view.run import answer_lines
    from console.view.runbook import glance_lines
    from keelwatch import runs as kernel

    def show(glance: kernel.Glance) -> None:
        for line in glance_lines(glance):
            tell(line)

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
            for line in answer_lines(run_id, question):
                narrate(line)
        case _ if view.state.verdict is None:
            narrate(f"{view.phase}: {view.state.paused or view.state.orphaned or 'its process ended'}")
            narrate(f"  go on: keelwatch runbook resume {run_id}")
        case _:
            narrate(f"{view.state.verdict}")
    return code


def _answer(store: LedgerStore, run_id: str, question: kernel.Question) -> None:
    """Put the question as its screen does: with what each answer leads to."""
    from console.runbook_book import story_in
    from console.view.question import asked, question_lines
    from keelwatch import runs as kernel

    found = asked(story_in(store, run_id), WIDTH, SystemClock().now())
    if found is None or found.seq != question.seq:
        return  # somebody else was faster
    for line in question_lines(found, WIDTH):
        narrate(line)
    narrate(f"  {' / '.join(question.choices)}:")
    typed = sys.stdin.readline().strip()
    choice = next((one.choice for one in found.answers if typed == one.key), typed)
    note = ""
    if choice in question.wants_note:
        narrate("  why, or the evidence, in a sentence:")
        note = sys.stdin.readline().strip()
    try:
        kernel.answer(store, run_id, choice, note)
    except (Refused, UsageError, SourceError) as error:
        narrate(error.message)
