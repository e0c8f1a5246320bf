"""Runbooks, their plans and their runs, for a screen: read from files, the ledger and the real systems; and
what a person tells a run from there. Every method waits: none is for a thread that must not."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import AbstractContextManager, closing
from typing import TYPE_CHECKING

from console import runbooks
from console.pinned import pinned_of
from console.places import Place
from console.recent import ENDED_FOR_S, MOST_ENDED, newest
from console.roles import HOW_TO_ARM, allow
from console.view.planning import Inputs
from console.view.run_screen import phase_words
from console.view.run_story import Pinned, RunStory, asked_by, story_of
from console.view.shelf import LEFT_BEHIND, Rehearsal, RunRow, Shelf, ShelfRow
from keelwatch.ledger import Access, FactKind, LedgerStore, open_ledger
from keelwatch.runs import Phase, RunView, answer, resume, stop, view
from keelwatch.runs.fields import text, whole
from keelwatch.workspace import KeelwatchError, Refused, UsageError
from runbooks.conduct.progress import Progress, fold
from runbooks.load import load_folder
from runbooks.rules import point_of_no_return
from runbooks.stages import Mode

if TYPE_CHECKING:
    from keelwatch.runs import ProcessTable, StopReport
    from runbooks.conduct.order import Order
    from runbooks.conduct.plan import Plan
    from runbooks.load import Runbook
    from runbooks.spec import RunbookSpec

KIND = "runbook"


class RunbookBook:
    """The runbooks of one environment. `table` and `entry` are the program's own unless others are given."""

    def __init__(self, where: Place, table: ProcessTable | None = None, entry: str = "") -> None:
        self._place = where
        self._table = table
        self._entry = entry
        self._pinned: dict[str, Pinned] = {}

    @property
    def place(self) -> Place:
        return self._place

    def shelf(self, now: float) -> Shelf:
        """Every runbook and its runs. Never raises: what cannot be read is named in it."""
        try:
            found = load_folder(self._place.workspace.folders["runbooks"])
        except KeelwatchError as error:
            return Shelf(self._place.name, now, trouble=error.message)
        trouble = "" if found else "this workspace has no runbooks: keelwatch init DIR writes some"
        try:
            with reading() as store:
                last, (runs, more) = rehearsals(store), self._runs(store, now)
        except KeelwatchError as error:
            last, runs, more = {}, (), 0
            trouble = trouble or f"neither runs nor rehearsals are known: {error.message}"
        rows = tuple(shelf_row(one, last.get(one.name)) for one in found)
        return Shelf(self._place.name, now, rows, runs, trouble, more)

    def failover(self) -> str:
        """The first runbook that leads from one region to another; empty when there is none to be read."""
        try:
            found = load_folder(self._place.workspace.folders["runbooks"])
        except KeelwatchError:
            return ""
        return next(
            (one.name for one in found if {"from", "to"} <= one.spec.inputs.keys() and _leads(one)), ""
        )

    def story(self, run: str) -> RunStory:
        """Raises `UsageError` when there is no such run of a runbook, `SourceError` without a ledger."""
        with reading() as store:
            return story_in(store, run, self._pinned_of(run))

    def inputs(self, name: str) -> Inputs:
        """The defaults of its inputs; of one without, the first value that fits. Raises `UsageError`."""
        spec = runbooks.named(self._place.workspace, name).spec
        regions = tuple(self._place.environment.regions)
        choices = {
            key: regions if one.type == "region" else tuple(one.choices or ())
            for key, one in spec.inputs.items()
        }
        values: dict[str, str] = {}
        for key, one in spec.inputs.items():
            other = values.get((one.differs_from or "$")[1:])
            free = [value for value in choices[key] if value != other]
            if one.default is not None and one.default != other:
                values[key] = one.default
            elif free:
                values[key] = free[0]
        return Inputs(values, Mode.GRACEFUL, choices)

    def planned(self, name: str, inputs: Inputs) -> tuple[Order, Plan]:
        """What it would do now, asked of the real systems. Raises what `console.runbooks.planned` raises."""
        return runbooks.planned(self._place, name, inputs.values, inputs.mode, table=self._table)

    def busy(self) -> str:
        """A run of a runbook in this environment that is not over; empty when there is none, or nobody can
        tell: it is asked again when one is started."""
        from keelwatch.runs.heal import unfinished

        try:
            with reading() as store:
                found = [view(store, one) for one in unfinished(store) if f"-{KIND}-" in one]
        except KeelwatchError:
            return ""
        ours = [one for one in found if one.state.env == self._place.name and one.phase is not Phase.ENDED]
        return next((one.state.id for one in ours), "")

    def refuse_unarmed(self, *, armed: bool) -> None:
        """Raises `Refused` for a role or an arming that is missing."""
        allow(self._place, "runbook", arm=armed, how=HOW_TO_ARM)

    def start(self, order: Order, plan: Plan, *, armed: bool) -> str:
        """Start the run of exactly this plan; returns its id. Raises `Refused`, `NotStarted`."""
        self.refuse_unarmed(armed=armed)
        with writing() as store:
            return runbooks.start(store, order, plan, self._table, self._entry)

    def resume(self, run: str, *, armed: bool) -> str:
        self.refuse_unarmed(armed=armed)
        with writing() as store:
            resume(store, run)
        return f"{run} goes on"

    def skip(self, run: str, step: str, reason: str) -> str:
        self._refuse_role("skipping a step")
        with writing() as store:
            runbooks.skip(store, run, step, reason)
        return f"{step} is to be skipped"

    def remark(self, run: str, step: str, words: str) -> str:
        self._refuse_role("noting something")
        with writing() as store:
            name = runbooks.remark(store, run, words, step)
        return f"noted beside {name}"

    def abort(self, run: str, reason: str) -> str:
        self._refuse_role("aborting a run")
        with writing() as store:
            runbooks.abort(store, run, reason)
        return f"{run} is told to end"

    def answer(self, run: str, seq: int, choice: str, note: str) -> str:
        """`seq` names the question that was read: another one that came since is not answered by accident."""
        self._refuse_role("answering a run")
        with writing() as store:
            question = asked_by(view(store, run))
            if question is None or question.seq != seq:
                raise Refused("the question was answered meanwhile, or is another one now", "read it again")
            answer(store, run, choice, note)
        return f"answered {choice}"

    def refuse_approval(self, run: str) -> None:
        """Raises `Refused` when this person's yes would not count."""
        with reading() as store:
            runbooks.approval(store, self._place, run)

    def approve(self, run: str) -> str:
        with writing() as store:
            step = runbooks.approve(store, self._place, run)
        return f"{step} is approved"

    def pause(self, run: str) -> StopReport:
        return stop(run, "x on the screen of the run")

    def _refuse_role(self, deed: str) -> None:
        from console.user import login_name
        from keelwatch.safety import require_operator

        require_operator(self._place.environment.policy, login_name(), deed)

    def _runs(self, store: LedgerStore, now: float) -> tuple[tuple[RunRow, ...], int]:
        """Those that are not over, then a few that ended in the last day, the newest first; and how many more
        there are of those."""
        ours = newest(store, KIND, self._place.name)
        open_now = [one for one in ours if one.phase is not Phase.ENDED]
        ended = [one for one in ours if one.phase is Phase.ENDED and now - one.state.started < ENDED_FOR_S]
        rows = tuple(self._row(store, one) for one in [*open_now, *ended[:MOST_ENDED]])
        return rows, max(0, len(ended) - MOST_ENDED)

    def _row(self, store: LedgerStore, one: RunView) -> RunRow:
        story = story_in(store, one.state.id, self._pinned_of(one.state.id))
        done, steps = story.counts
        return RunRow(
            run=story.run,
            name=story.runbook,
            phase=LEFT_BEHIND if story.left_behind else story.phase.value,
            done=done,
            steps=steps,
            started=story.started,
            starter=story.starter,
            waits=_waits(story),
        )

    def _pinned_of(self, run: str) -> Pinned | None:
        """Read once for each run: that text never changes."""
        if run not in self._pinned:
            found = pinned_of(run)
            if found is None:
                return None
            self._pinned[run] = found
        return self._pinned[run]


def story_in(store: LedgerStore, run: str, pinned: Pinned | None = None) -> RunStory:
    """How a run stands now. Raises `UsageError` when there is no such run, or it is of another kind."""
    now = view(store, run)
    if now.state.kind != KIND:
        raise UsageError(f"{run} is a {now.state.kind} run, and no runbook", "see: keelwatch runs")
    facts = list(store.after(0, run=run))
    return story_of(now, fold(Progress(), facts), facts, pinned or pinned_of(run) or Pinned())


def reading() -> AbstractContextManager[LedgerStore]:
    return closing(open_ledger(access=Access.READ))


def writing() -> AbstractContextManager[LedgerStore]:
    return closing(open_ledger())


def shelf_row(one: Runbook, last: Rehearsal | None) -> ShelfRow:
    spec = one.spec
    every = spec.rehearse_every
    return ShelfRow(
        name=one.name,
        title=spec.title,
        owner=spec.owner,
        steps=len(spec.steps),
        last=last_way_back(spec),
        rto_s=spec.objectives.rto.total_seconds() if spec.objectives else None,
        text_sha=hashlib.sha256(one.file.read_bytes()).hexdigest(),
        rehearsal=last,
        rehearse_every_s=every.total_seconds() if every else None,
    )


def _leads(one: Runbook) -> bool:
    """Whether it moves customers and makes the other database the primary."""
    steps = one.spec.steps
    return any(step.pg_promote for step in steps) and any(step.edge_weight for step in steps)


def last_way_back(spec: RunbookSpec) -> str:
    """The step from which there is no way back; empty for none."""
    index = point_of_no_return(spec.steps)
    return "" if index is None else spec.steps[index].id


def rehearsals(store: LedgerStore) -> Mapping[str, Rehearsal]:
    """The last one of each runbook."""
    found: dict[str, Rehearsal] = {}
    for fact in store.after(0, run="", kinds=(FactKind.NOTE,)):
        if fact.event == "rehearsed":
            body = fact.body
            last = Rehearsal(fact.at, whole(body, "passes"), whole(body, "of"), text(body, "text_sha"))
            found[text(body, "runbook")] = last
    return found


def _waits(story: RunStory) -> str:
    """In a few words, what it waits for or how it ended."""
    if story.is_over:
        return str(story.verdict) if story.verdict else "its process never began"
    step = story.asking or story.current
    where = f"{step.name}: " if step is not None else ""
    trips = f" (guard tripped: {step.trips})" if step is not None and step.trips else ""
    return f"{where}{phase_words(story)}{trips}"
