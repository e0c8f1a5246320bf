"""Runs of experiments made by hand: billing is down on a bad evening, at each turn of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from chaos.bounds import Bounds
from chaos.follow import Ahead, Asked
from chaos.load import Experiment
from chaos.order import Order
from chaos.plan import Planned
from chaos.story import Fault, Step, Story
from console.chaos import DryRun
from console.chaos_book import ChaosBook
from console.feed import Look
from console.places import place
from console.view.chaos_course import Course
from console.view.chaos_shelf import ChaosShelf, ExperimentRow, OpenRow
from console.view.last_run import LastRun
from console.view.listed import CourseRow
from keelwatch.ledger import JsonObject
from keelwatch.runs import Phase, StopReport, failed, inconclusive, invalid, passed
from keelwatch.safety import Reservation
from keelwatch.safety.guard import Trip
from keelwatch.safety.said import GuardSaid
from keelwatch.workspace import ExitCode
from keelwatch.workspace.find import built_in
from tests.console.worlds import NOW, RecordedFeed, look

RUN = "20260921-141319-chaos-7b1e"
STARTED = NOW - 40  # the console's clock stands at NOW + 2
LIMIT = "burn < 14.4x over 5m: login-availability, lookup-availability"
REACHES = 'sum(increase(portal_requests_total{route="invoices",code=~"5.."}[15s])) > 0'
PROBES = ("nobody fails to log in or look up", "a customer logs in, in the west")
FAULT = "keelwatch sandbox fault billing.down on --region all --for 120s"
BOUNDS = Bounds(
    component="billing",
    objectives=("login-availability", "lookup-availability"),
    most_s=180.0,
    budget=0.01,
    components=("billing",),
    at_once=1,
    proof=REACHES,
    expect="pass",
)
AHEAD = (
    Ahead("method", "billing stops", "action", FAULT),
    Ahead("method", "customers meet it", "action", "sleep 20s"),
    Ahead("rollbacks", "billing is back", "action", "keelwatch stop RUN: it takes back what it did"),
)
STOPS = Step(3, "method", "billing stops", "action", FAULT, NOW - 16, "succeeded", 0.61)
MEETS = Step(4, "method", "customers meet it", "action", "sleep 20s", NOW - 12)
BACK = Step(5, "rollbacks", "billing is back", "action", AHEAD[2].equivalent, NOW - 1, "succeeded", 1.4)
DOWN = Fault("fault.set", "sandbox/fault/billing.down@all", {}, NOW - 16, done=True, ends_itself=NOW + 104)
MET = Asked(met=1, output=True)


def course() -> Course:
    """In the midst of the method: the fault is on, and has reached nobody yet."""
    budget = tuple(
        Reservation(RUN, name, region, 0.01, so_far=0.0004)
        for name in BOUNDS.objectives
        for region in ("east", "west")
    )
    return Course(
        run=RUN,
        experiment="billing-down",
        environment="sandbox",
        phase=Phase.RUNNING,
        started=STARTED,
        starter="sre",
        told=Story(
            name="billing-down",
            title="Billing is down, and customers log in and look up their account all the same",
            expect="pass",
            phase="method",
            hypothesis={"before": "met"},
            steps=(STOPS, MEETS),
            faults=(DOWN,),
            budget=budget,
        ),
        bounds=BOUNDS,
        steady_state="Customers log in and look up their account",
        probes=PROBES,
        ahead=AHEAD,
        asked={(name, "before"): MET for name in PROBES},
        guard={
            LIMIT: GuardSaid("yes", "login-availability (west) burns most, 2.1x; under 14.4x", NOW - 9),
            "time": GuardSaid("yes", "38s of 3m", NOW - 1),
        },
        method_at=NOW - 17,
    )


def starting() -> Course:
    """It asks what stands before it, and nothing is told yet."""
    return Course(RUN, "billing-down", "sandbox", Phase.RUNNING, NOW - 3, "sre", Story())


def deviating() -> Course:
    """The hypothesis is asked during the method too, and did not hold once."""
    found = course()
    during = {(PROBES[0], "during"): Asked(met=16, missed=1), (PROBES[1], "during"): Asked(met=16)}
    told = replace(
        found.told,
        hypothesis={"before": "met", "during": "deviated"},
        reached=f"{REACHES}: 3.4",
        load="load-3f2a",
    )
    return replace(found, told=told, asked={**found.asked, **during})


def stopping() -> Course:
    """Somebody has stopped it: the rollbacks are being played."""
    found = course()
    cut, back = replace(MEETS, state="interrupted", took_s=12.2), replace(BACK, state="begun", took_s=None)
    told = replace(found.told, phase="rollbacks", steps=(STOPS, cut, back), stopping="SIGTERM")
    said = "by second: x on the screen of its experiment"
    return replace(found, phase=Phase.STOPPING, stop_asked=True, stopped=said, told=told)


def _over(found: Course, *, healed_by: str = "rollback") -> Course:
    after = {(name, "after"): MET for name in PROBES}
    meets, healed = replace(MEETS, state="succeeded", took_s=20.0), replace(DOWN, healed=NOW, by=healed_by)
    spent = tuple(replace(one, spent=0.0012 if one.region == "west" else 0.0) for one in found.told.budget)
    told = replace(
        found.told,
        phase="end",
        hypothesis={"before": "met", "after": "met"},
        steps=(STOPS, meets, BACK),
        faults=(healed,),
        reached=f"{REACHES}: 3.4",
        budget=spent,
    )
    return replace(
        found, phase=Phase.ENDED, alive=False, ended=NOW, told=told, asked={**found.asked, **after}
    )


def held() -> Course:
    return replace(_over(course()), verdict=passed("hypothesis-held"))


def missed() -> Course:
    """It found something that nobody expected."""
    found = _over(course())
    told = replace(found.told, hypothesis={"before": "met", "after": "deviated"})
    asked = {**found.asked, (PROBES[1], "after"): Asked(missed=1, output=False)}
    verdict = failed("hypothesis-deviated: a customer logs in, in the west (after the method)")
    return replace(found, told=told, asked=asked, verdict=verdict)


def unmet() -> Course:
    """The fault was on, and nobody met it."""
    found = _over(course())
    return replace(
        found, told=replace(found.told, reached=""), verdict=invalid("fault-never-reached-traffic")
    )


def tripped() -> Course:
    """Its guard ended it, and its guardian healed it."""
    found = _over(course(), healed_by="guardian")
    words = "14.4x or more: login-availability (west) 31.0x"
    trip = str(Trip(LIMIT, words))
    verdict = inconclusive(f"guard-tripped: {trip}").but(ExitCode.STOPPED)
    steps = (STOPS, replace(MEETS, state="interrupted", took_s=12.2), BACK)
    told = replace(found.told, steps=steps, trips=(trip,), hypothesis={"before": "met"})
    asked = {key: one for key, one in found.asked.items() if key[1] == "before"}
    guard = {**found.guard, LIMIT: GuardSaid("no", words, NOW - 2)}
    return replace(found, told=told, asked=asked, guard=guard, verdict=verdict)


def left() -> Course:
    """What it did could not be taken back."""
    found = _over(course())
    fault = replace(DOWN, error="not as before: billing.down is set")
    verdict = inconclusive("undo-failed: fault.set").but(ExitCode.LEFT_BEHIND)
    return replace(found, phase=Phase.ORPHANED, told=replace(found.told, faults=(fault,)), verdict=verdict)


def abandoned() -> Course:
    """The run died, and so did its guardian."""
    return replace(course(), phase=Phase.ORPHANED, alive=False)


def shelf() -> ChaosShelf:
    last = LastRun("20260921-120000-chaos-11aa", "pass: hypothesis-held", NOW - 7500)
    surprise = LastRun(
        "20260920-120000-chaos-22bb",
        "fail: hypothesis-deviated: hardly a look-up fails (during)",
        NOW - 90_000,
    )
    cache = replace(BOUNDS, component="cache", objectives=("lookup-availability",), components=("cache",))
    rows = (
        ExperimentRow("billing-down", "Billing is down, and customers log in all the same", BOUNDS, last),
        ExperimentRow("cache-lost", "The cache is lost, and customers look up all the same", cache, surprise),
        ExperimentRow("theirs", "Somebody else's experiment, as it came", Bounds(), None),
    )
    runs = (
        CourseRow(
            RUN,
            "billing-down",
            "running",
            STARTED,
            "sre",
            "method 2/2: customers meet it, 1 fault on",
            STARTED,
        ),
        CourseRow(last.run, "billing-down", "ended", last.at - 60, "second", last.words, last.at),
    )
    words, undo = "fault.set on sandbox/fault/billing.down@all", "keelwatch sandbox fault clear billing.down"
    owed = (OpenRow(RUN, 41, "billing-down", "held", words, undo, NOW - 16, NOW + 104),)
    return ChaosShelf("sandbox", NOW, rows, runs, owed=owed)


def orphaned() -> ChaosShelf:
    """A run died, and its guardian too."""
    found = shelf()
    (one,) = found.owed
    return replace(found, runs=found.runs[1:], owed=(replace(one, care="orphaned"),))


def dry_run(load: str = "", trouble: str = "") -> DryRun:
    """Of the catalogue's `billing-down`, without its words."""
    extension: JsonObject = {
        "name": "keelwatch",
        "component": "billing",
        "guard": {"burn_rate": {"objectives": list(BOUNDS.objectives)}, "most_time": "3m"},
        "blast_radius": {"components": ["billing"], "at_once": 1},
        "budget": 1,
        "reaches": REACHES,
        "expect": "pass",
    }
    data: JsonObject = {
        "title": "Billing is down, and customers log in and look up their account all the same",
        "steady-state-hypothesis": {"title": "Customers log in and look up their account"},
        "extensions": [extension],
    }
    experiment = Experiment(Path("billing-down.yaml"), data, None)
    order = Order(
        Path("keelwatch.yaml"), "sandbox", "", "billing-down", "", "", ".yaml", Path(), extension, load=load
    )
    asks = "keelwatch slo show login-availability lookup-availability"
    does = (
        "sets billing.down on in all regions of sandbox main for 120 s; it stops billing-west, billing-east"
    )
    plan = (
        Planned("hypothesis", PROBES[0], "probe", asks),
        Planned("hypothesis", PROBES[1], "probe", "keelwatch probe run log-in --region west"),
        Planned(
            "method",
            "billing stops",
            "action",
            FAULT,
            does,
            "keelwatch sandbox fault clear billing.down",
            trouble,
        ),
        Planned("method", "customers meet it", "action", "sleep 20s"),
        Planned("rollbacks", "billing is back", "action", AHEAD[2].equivalent),
    )
    return DryRun(experiment, order, plan)


class MadeChaos(ChaosBook):
    """Shows what it is given, and remembers what it is told. Not armed: refused, as in life."""

    def __init__(
        self, found: Course | None = None, on_shelf: ChaosShelf | None = None, trouble: str = ""
    ) -> None:
        super().__init__(place(built_in(), None))
        self.now = found or course()
        self.on_shelf = on_shelf or shelf()
        self.trouble = trouble
        self.told: list[tuple[str, ...]] = []

    def shelf(self, now: float) -> ChaosShelf:
        return self.on_shelf

    def course(self, run: str) -> Course:
        return replace(self.now, run=run)

    def planned(self, name: str, load: str = "") -> DryRun:
        return dry_run(load, self.trouble)

    def profiles(self) -> tuple[str, ...]:
        return ("portal-baseline",)

    def start(self, found: DryRun, *, armed: bool) -> str:
        self.refuse_unarmed(armed=armed)
        self.told.append(("start", found.order.name, found.order.load))
        return RUN

    def stop(self, run: str) -> StopReport:
        self.told.append(("stop", run))
        return StopReport(run, signalled=True, error="")


class ChaosFeed(RecordedFeed):
    """A recorded feed whose experiments are made."""

    def __init__(self, book: ChaosBook, looks: Sequence[Look] = ()) -> None:
        super().__init__(looks or [look()])
        self._chaos = book

    def chaos(self) -> ChaosBook:
        return self._chaos
