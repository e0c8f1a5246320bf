"""Runbooks for every face: by name, planned, and made into runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from keelwatch.workspace import Refused, UsageError

if TYPE_CHECKING:
    from console.places import Place
    from keelwatch.ledger import JsonObject, LedgerStore
    from keelwatch.runs import ProcessTable
    from keelwatch.workspace.workspace import Workspace
    from runbooks.conduct.order import Order
    from runbooks.conduct.plan import Plan
    from runbooks.load import Runbook
    from runbooks.stages import Mode


def named(around: Workspace, name: str) -> Runbook:
    """Raises `UsageError` when there is none of that name."""
    from keelwatch.workspace.reader import closest
    from runbooks.load import load_folder

    known = {one.name: one for one in load_folder(around.folders["runbooks"])}
    if name in known:
        return known[name]
    near = closest(name, known)
    hint = f"did you mean {near!r}?" if near else "see: keelwatch runbook list"
    raise UsageError(f"there is no runbook {name!r}", hint)


def planned(
    where: Place,
    name: str,
    inputs: Mapping[str, str],
    mode: Mode,
    sandbox: str = "",
    table: ProcessTable | None = None,
) -> tuple[Order, Plan]:
    """What the runbook would do now, and the order of exactly that. `sandbox` names another than the
    environment's, `table` other verbs than the program's.

    Raises `UsageError` for inputs that cannot be meant, `SourceError` when the estate cannot be found.
    """
    from console.processes import TABLE
    from keelwatch.workspace.estate import find_estate
    from runbooks.choose import given_values, with_defaults
    from runbooks.conduct.order import Order
    from runbooks.conduct.plan import plan_of

    runbook = named(where.workspace, name)
    values = with_defaults(runbook.spec, given_values(runbook.spec, inputs, where.environment.regions))
    missing = [one for one in runbook.spec.inputs if one not in values]
    if missing:
        raise UsageError(f"{name} wants a value for {missing[0]}", f"--input {missing[0]}=VALUE")
    text = runbook.file.read_text(encoding="utf-8")
    order = Order(where.workspace.file, where.name, sandbox, name, text, values, mode, plan_sha="")
    estate = find_estate(where.workspace.file, where.name, sandbox)
    plan = plan_of(order, runbook.spec, estate, (table or TABLE).verbs)
    return order.for_plan(plan.sha, runbook.spec.lock), plan


def confirmed_by(plan: Plan) -> str:
    """What a person types to run it: the region that is changed most."""
    return plan.values.get("from") or plan.values.get("region") or plan.runbook


def start(
    store: LedgerStore, order: Order, plan: Plan, table: ProcessTable | None = None, entry: str = ""
) -> str:
    """A run of kind runbook; returns its id. Raises `NotStarted` with its own reason."""
    from console.processes import ENTRY, TABLE
    from keelwatch.runs import spawn

    args = {**order.as_args(), "plan": plan.as_json()}
    kind = (table or TABLE).kind("runbook")
    return spawn(store, kind, order.name, args, order.environment, entry or ENTRY)


def approval(
    store: LedgerStore, where: Place, run: str, drill_as: str = "", within_s: float = 600.0
) -> tuple[str, JsonObject]:
    """The step of `run` that waits for a yes first, and this person's, unwritten.

    Raises `Refused` when nothing waits for approval, or this person's yes would not count.
    """
    import time

    from console.user import login_name
    from keelwatch.safety import Request, login_of
    from keelwatch.safety import approve as approved
    from keelwatch.workspace.clock import utc
    from runbooks.conduct.follow import progress_of

    state, progress = progress_of(store, run)
    wanted = progress.approval
    if wanted is not None and time.time() >= wanted.until:
        raise Refused(f"{wanted.step} of run {run} could be approved until {utc(wanted.until)}")
    if wanted is None or state.verdict is not None:
        raise Refused(f"run {run} waits for nobody's approval", f"watch it: keelwatch attach {run}")
    request = Request(progress.plan_sha, login_of(state.actor), wanted.step, wanted.needed)
    payload = approved(where.environment.policy, request, login_name(), time.time(), within_s, drill_as)
    return wanted.step, payload


def approve(store: LedgerStore, where: Place, run: str, drill_as: str = "", within_s: float = 600.0) -> str:
    """Say yes to the plan of `run`, for whichever step waits for it first; returns the step's name.
    Raises as `approval`."""
    from keelwatch.ledger import FactKind, current_actor

    step, payload = approval(store, where, run, drill_as, within_s)
    store.append(run, FactKind.APPROVAL, payload, actor=current_actor())
    return step


def skip(store: LedgerStore, run: str, step: str, reason: str) -> None:
    """Leave a step out that is not over. Raises `UsageError` for one that is none of the run's, `Refused` for
    an approval."""
    from console.pinned import pinned_of
    from runbooks.conduct.follow import progress_of

    _, progress = progress_of(store, run)
    known = progress.step_names
    if step not in known:
        raise UsageError(f"{run} has no step {step!r}", f"its steps: {', '.join(known)}")
    if progress.step(step).state.is_over:
        raise Refused(f"{step} is {progress.step(step).state} already", f"see: keelwatch attach {run}")
    pinned = pinned_of(run)
    if pinned is not None and step in pinned.steps and pinned.steps[step].is_approval:
        raise Refused(f"{step} is an approval: another person gives it, and nobody leaves it out")
    say(store, run, "skip", step=step, reason=reason)


def remark(store: LedgerStore, run: str, words: str, step: str = "") -> str:
    """Note something beside a step, else beside the one that the run is at; returns its name. Also once the
    run is over. Raises `UsageError` for a step that is none of the run's."""
    from runbooks.conduct.follow import progress_of

    _, progress = progress_of(store, run)
    known = progress.step_names
    open_now = [one for one in known if not progress.step(one).state.is_over]
    name = step or next(iter(open_now), known[-1] if known else "")
    if name not in known:
        raise UsageError(f"{run} has no step {name!r}", f"its steps: {', '.join(known)}")
    say(store, run, "remark", step=name, words=words)
    return name


def abort(store: LedgerStore, run: str, reason: str) -> None:
    """End a run and take back what it did; a run without a process is taken up for it. Raises `Refused` when
    it has ended."""
    from keelwatch import runs as kernel

    view = kernel.view(store, run)
    if view.phase is kernel.Phase.ENDED:
        raise Refused(f"run {run} has ended: {view.state.verdict}", "start the runbook that leads back")
    say(store, run, "abort", reason=reason)
    question = view.state.question
    ends_it = [one for one in ("abort", "cannot") if question is not None and one in question.choices]
    if ends_it and view.pid is not None:  # a run that asks looks for nothing but the answer
        kernel.answer(store, run, ends_it[0], reason)
    if view.pid is None:
        kernel.resume(store, run)


def say(store: LedgerStore, run: str, event: str, **payload: str) -> None:
    """Tell a run of a runbook something that it looks for between its acts, or that is for people alone."""
    from keelwatch.ledger import FactKind, current_actor

    store.append(run, FactKind.COMMAND, {"event": event, **payload}, actor=current_actor())
