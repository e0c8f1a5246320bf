"""Runs of runbooks made by hand: the failover of a bad evening, at each of its turns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from console.feed import Look
from console.places import place
from console.runbook_book import RunbookBook
from console.view.planning import Inputs
from console.view.run_story import IN_DOUBT, NO_RETURN, Pinned, RunStory, StepStory, Told
from console.view.shelf import Rehearsal, RunRow, Shelf, ShelfRow
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Effect, Phase, Question, StopReport, passed
from keelwatch.workspace import Refused
from keelwatch.workspace.find import built_in
from runbooks.conduct.order import Order
from runbooks.conduct.plan import Forecast, Plan
from runbooks.conduct.progress import AskedWorld, Remark, StepState, WantedApproval
from runbooks.stages import Mode
from tests.console.worlds import NOW, RecordedFeed, look

RUN = "20260921-141319-runbook-3f2a"
STARTED = NOW - 48
DAY_S = 86400.0
TEXT_SHA = "a" * 64

STEPS = (
    ("go", "Wait until another person says yes, within 10 min; they see: plan", (), ""),
    (
        "freeze-writes",
        "The database of west takes no more writes",
        ("west: primary -> primary, fenced",),
        "pg.unfence region west",
    ),
    (
        "promote-database",
        "The database of east becomes the primary, once it has replayed the rest (at most 5 s)",
        ("east: standby -> primary; a promote now loses 0 transactions, lag 0.1 s",),
        NO_RETURN,
    ),
    ("promote-cache", "The cache of east becomes the primary", ("east: replica -> primary",), ""),
    (
        "move-customers",
        "Weights at the edge: east 50, west 50, then wait 5 s; Weights at the edge: east 100, west 0",
        ("east 100 -> 50, west 100 -> 50", "east 100 -> 100, west 100 -> 0"),
        "edge.weight east 100, west 100",
    ),
    ("rejoin-database", "The database of west follows the new primary", ("west: primary -> standby",), ""),
    ("rejoin-cache", "The cache of west follows the new primary", ("west: primary -> replica",), ""),
)
WHY = {
    "go": "From here on customers notice. Another person looks at the plan: is east well?",
    "promote-database": "The standby of $to replays what is left and becomes the primary. There is **no"
    " way** back but the same runbook in the other direction.",
}
READY = (
    AskedWorld(
        "ready", "access to what each step acts on", "yes", "write the edge, the databases, the caches"
    ),
    AskedWorld("ready", "east keeps up", "yes", "0.1 s behind, 512 bytes"),
    AskedWorld("ready", "journeys pass in east", "yes", "log-in, look-up-account in east: pass"),
)


def steps(done: int, state: StepState = StepState.WAITING) -> tuple[StepStory, ...]:
    """The first `done` are over; the next one is in `state`."""
    found = []
    for index, (name, does, effects, back) in enumerate(STEPS):
        over = index < done
        now = StepState.DONE if over else state if index == done else StepState.WAITING
        began = STARTED + 8 + 4 * index if over or now is not StepState.WAITING else None
        found.append(
            StepStory(
                name=name,
                state=now,
                does=does,
                effects=effects,
                way_back=back,
                words="approved by second" if over and name == "go" else "value done" if over else "",
                began=began,
                ended=began + 3.5 if over and began is not None else None,
                told=Told(WHY.get(name, ""), is_approval=name == "go"),
            )
        )
    return tuple(found)


def story(over: int = 2, state: StepState = StepState.BEGUN, **more: object) -> RunStory:
    """While it carries out the step after `over`."""
    made = RunStory(
        run=RUN,
        runbook="failover-region",
        environment="sandbox",
        mode="graceful",
        inputs={"from": "west", "to": "east"},
        phase=Phase.RUNNING,
        alive=True,
        starter="sre",
        started=STARTED,
        steps=steps(over, state),
        plan_sha="0123456789abcdef",
        ready=READY,
        is_ready=True,
        owed=("freeze-writes/1: pg.fence on writes-west",) if over > 1 else (),
        approvals=("second",) if over else (),
        pinned=Pinned("Serve customers from one region", 180.0),
    )
    return replace(made, **more)  # type: ignore[arg-type]


def with_step(found: RunStory, name: str, **more: object) -> RunStory:
    changed = tuple(
        replace(one, **more) if one.name == name else one  # type: ignore[arg-type]
        for one in found.steps
    )
    return replace(found, steps=changed)


def waiting() -> RunStory:
    shown = {
        "burn-rate": "portal-availability (east) burns most, 0.4x; under 14.4x",
        "expected-loss": "east: standby -> primary; a promote now loses 0 transactions, lag 0.1 s",
    }
    return story(0, approval=WantedApproval("go", 1, NOW + 560, shown), approvals=())


def in_doubt() -> RunStory:
    """It died while it promoted, was taken up, and the check cannot tell."""
    act = Effect(
        run=RUN,
        seq=41,
        step="promote-database/1",
        key="k",
        action=Action("pg.promote", {"region": "east", "mode": "graceful", "wait_s": 5.0}),
        effect_class="conditional",
        target="database-east",
        before={"timeline": 3, "role": "standby"},
        undo=None,
        settle_s=1.0,
        number=1,
        epoch=2,
        boot="b",
        boot_s=0.0,
    )
    asked = "promote-database/1: did pg.promote on database-east happen? east does not answer within 2 s"
    found = story(
        2, question=Question(77, asked, IN_DOUBT), phase=Phase.PAUSED, maybe_passed="promote-database"
    )
    return with_step(found, "promote-database", doubt=act, doubt_at=NOW - 31)


def failed() -> RunStory:
    """The guard stopped the ramp, and it went back."""
    trips = "log-in in east: fail: 1 of 1 failed (must hold: journeys pass); taken back"
    asked = f"move-customers failed: stopped: {trips}"
    choices = ("retry", "skip", "abort")
    found = story(
        4,
        StepState.FAILED,
        question=Question(91, asked, choices, ("skip",)),
        phase=Phase.PAUSED,
        passed="promote-database",
    )
    answers = (AskedWorld("guard move-customers", "journeys pass", "no", "log-in in east: fail (run 77)"),)
    return with_step(
        found, "move-customers", words=f"stopped: {trips}", trips=trips, ended=NOW - 3, asked=answers
    )


def stuck() -> RunStory:
    """A rule refuses the promotion before it is begun: the fence can be taken back."""
    asked = (
        "promote-database failed: one-region-serving: no, no region gets new customers"
        " (back: take back freeze-writes, which was done before)"
    )
    choices = ("retry", "skip", "back", "abort")
    question = Question(93, asked, choices, ("skip",))
    found = story(2, StepState.FAILED, question=question, phase=Phase.PAUSED)
    remark = Remark(NOW - 20, "1000:ada (claimed)", "west's disk is slow, ticket 4411")
    return with_step(found, "promote-database", words="one-region-serving: no", remarks=(remark,))


def ended() -> RunStory:
    measured: JsonObject = {
        "rto_s": 41.2,
        "rto_objective_s": 180.0,
        "rto_met": True,
        "rpo_s": 0.0,
        "rpo_objective_s": 0.0,
        "rpo_met": True,
        "lost_writes": 0,
        "write_gap_s": 0.62,
        "split": {"ready_s": 4.1, "approval_s": 9.0, "freeze-writes_s": 0.4, "settle_s": 6.2},
    }
    done = (AskedWorld("done", "journeys pass in east", "yes", "log-in in east: pass for 5 s"),)
    return story(
        7,
        phase=Phase.ENDED,
        alive=False,
        ended=STARTED + 41.2,
        verdict=passed("RTO 41.2 s (objective 180 s), RPO 0.0 s (objective 0 s): no write lost"),
        measured=measured,
        done=done,
        settling_since=STARTED + 35,
        passed="promote-database",
        owed=(),
    )


def plan(values: Mapping[str, str] | None = None, mode: Mode = Mode.GRACEFUL, weight: int = 100) -> Plan:
    """Of the library's failover, as the real systems would predict it."""
    found = dict(values or {"from": "west", "to": "east"})
    standing: JsonObject = {
        "edge": {"west": f"weight {weight}", "east": "weight 100"},
        "database": {"west": "primary, timeline 3", "east": "standby, timeline 3"},
        "cache": {"west": "primary", "east": "replica"},
    }
    forecasts = tuple(
        Forecast(name, does, effects, "none: the point of no return" if back == NO_RETURN else back)
        for name, does, effects, back in STEPS
    )
    sha = f"{weight:03}{'a' if mode is Mode.GRACEFUL else 'b'}{found['from']:_<4}".ljust(16, "0")
    return Plan("failover-region", "sandbox", mode, found, standing, forecasts, sha)


def shelf() -> Shelf:
    drain = Rehearsal(NOW - 2 * DAY_S, 7, 7, TEXT_SHA)
    changed = Rehearsal(NOW - 3 * DAY_S, 9, 9, "b" * 64)
    old = Rehearsal(NOW - 41 * DAY_S, 5, 6, TEXT_SHA)
    rows = (
        _row("drain-region", "Send no new customers to a region", "", 120.0, drain),
        _row("failover-region", "Serve customers from one region", "promote-database", 180.0, changed),
        _row("promote-database", "Make the standby the primary", "promote", 120.0, old),
        _row("rebuild-cache", "Fill a cache that was lost", "", None, None),
    )
    asks, passes = "promote-database: IN DOUBT, asks you", "pass: RTO 12.0 s (objective 120 s)"
    runs = (
        RunRow(RUN, "failover-region", "paused", 2, 7, STARTED, "sre", asks),
        RunRow("20260921-140000-runbook-11aa", "drain-region", "ended", 3, 3, NOW - 900, "sre", passes),
    )
    return Shelf("sandbox", NOW, rows, runs)


def _row(name: str, title: str, last: str, rto_s: float | None, rehearsal: Rehearsal | None) -> ShelfRow:
    return ShelfRow(name, title, "team-platform", 7, last, rto_s, TEXT_SHA, rehearsal, 30 * DAY_S)


class MadeBook(RunbookBook):
    """Shows what it is given, and remembers what it is told. Not armed, or one's own: refused, as in life."""

    def __init__(self, found: RunStory | None = None, plans: Sequence[Plan] = ()) -> None:
        super().__init__(place(built_in(), None))
        self.now = found or story()
        self.told: list[tuple[str, ...]] = []
        self.plans = list(plans)
        self.may_approve = True

    def shelf(self, now: float) -> Shelf:
        return shelf()

    def story(self, run: str) -> RunStory:
        assert run == self.now.run
        return self.now

    def planned(self, name: str, inputs: Inputs) -> tuple[Order, Plan]:
        made = self.plans.pop(0) if self.plans else plan(inputs.values, inputs.mode)
        file = self.place.workspace.file
        order = Order(file, "sandbox", "", name, "", inputs.values, inputs.mode, made.sha)
        return order, made

    def busy(self) -> str:
        return ""

    def start(self, order: Order, plan: Plan, *, armed: bool) -> str:
        self.refuse_unarmed(armed=armed)
        self.told.append(("start", order.name, order.plan_sha))
        return self.now.run

    def resume(self, run: str, *, armed: bool) -> str:
        self.refuse_unarmed(armed=armed)
        self.told.append(("resume", run))
        return f"{run} goes on"

    def skip(self, run: str, step: str, reason: str) -> str:
        self.told.append(("skip", step, reason))
        return f"{step} is to be skipped"

    def abort(self, run: str, reason: str) -> str:
        self.told.append(("abort", run, reason))
        return f"{run} is told to end"

    def remark(self, run: str, step: str, words: str) -> str:
        self.told.append(("note", step, words))
        return f"noted beside {step}"

    def answer(self, run: str, seq: int, choice: str, note: str) -> str:
        self.told.append(("answer", str(seq), choice, note))
        return f"answered {choice}"

    def refuse_approval(self, run: str) -> None:
        if not self.may_approve:
            raise Refused("sre started it, and nobody approves their own", "ask one of: second")

    def approve(self, run: str) -> str:
        self.refuse_approval(run)
        self.told.append(("approve", run))
        return "go is approved"

    def pause(self, run: str) -> StopReport:
        self.told.append(("pause", run))
        return StopReport(run, signalled=True, error="")


class BookFeed(RecordedFeed):
    """A recorded feed whose runbooks are made."""

    def __init__(self, book: RunbookBook, looks: Sequence[Look] = ()) -> None:
        super().__init__(looks or [look()])
        self._runbooks = book

    def runbooks(self) -> RunbookBook:
        return self._runbooks
