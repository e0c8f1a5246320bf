"""Runs of loads made by hand: the portal's baseline on a bad evening, at each of its turns."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

from console.feed import Look
from console.load_book import LoadBook
from console.places import place
from console.view.last_run import LastRun
from console.view.listed import CourseRow
from console.view.load_course import Course, Found, Quantiles, Step, Tick, TimesRow
from console.view.load_shelf import LoadShelf, ProfileRow
from keelwatch.runs import Phase, StopReport, failed, inconclusive
from keelwatch.safety import Reservation
from keelwatch.safety.guard import Trip
from keelwatch.safety.said import GuardSaid
from keelwatch.workspace import ExitCode
from keelwatch.workspace.find import built_in
from tests.console.worlds import NOW, RecordedFeed, look

RUN = "20260921-141319-load-3f2a"
STARTED = NOW - 80
BEGAN = NOW - 70  # the console's clock stands at NOW + 2
LENGTH_S, WARM_UP_S, LEVEL = 300.0, 10.0, 4.0
LIMIT = "burn < 14.4x over 5m: login-availability, lookup-availability, invoices-availability"
NAMES = ("log-in: log in", "log-in: who am I", "look-up-account: look up", "view-invoices: list invoices")


def ticks(count: int) -> tuple[Tick, ...]:
    """Up a ramp of half a minute, then level, and slower towards the end."""
    return tuple(_tick(at) for at in range(count))


def _tick(at: int) -> Tick:
    level = LEVEL * min(1.0, (at + 1) / 30)
    slow = 1.0 + max(0, at - 50) / 10
    service = Quantiles(40 * slow, (90 + 40 * math.sin(at / 5)) * slow, 160 * slow)
    response = Quantiles(service.p50, (95 + 40 * math.sin(at / 5)) * slow, 180 * slow)
    applied = float((at * 7 + 3) % 3 + round(level) - 1)
    bad = at % 20 == 19
    return Tick(at, level, max(0.0, applied), 20, int(bad), response, service, 3, 0, 12.0, 0.14, 1)


def _row(name: str, count: int, failed: int = 0, ms: float = 40.0, late_ms: float = 5.0) -> TimesRow:
    service = Quantiles(ms, ms * 5, ms * 12)
    return TimesRow(name, count, failed, Quantiles(ms, ms * 5 + late_ms, ms * 12 + late_ms), service)


def course(seconds: int = 72) -> Course:
    """In its midst, with a second of four going wrong now and then."""
    counts = dict(zip(NAMES, (120, 15, 40, 9), strict=True))
    rows = tuple(_row(name, many, 3 if "invoices" in name else 0) for name, many in counts.items())
    regions = ("east", "west")
    objectives = ("invoices-availability", "login-availability", "lookup-availability")
    return Course(
        run=RUN,
        profile="portal-baseline",
        environment="sandbox",
        phase=Phase.RUNNING,
        started=STARTED,
        starter="sre",
        title="What the portal bears on an ordinary evening",
        model="open",
        top=LEVEL,
        length_s=LENGTH_S,
        warm_up_s=WARM_UP_S,
        began=BEGAN,
        ticks=ticks(seconds),
        requests=rows,
        journeys=(_row("log-in", 15, ms=700), _row("view-invoices", 9, 3, ms=900)),
        all=_row("all", sum(counts.values()), 3),
        lately=_row("lately", 84, 1),
        guard={
            LIMIT: GuardSaid("yes", "invoices-availability (west) burns most, 4.1x; under 14.4x", NOW - 9)
        },
        budget=tuple(
            Reservation(RUN, name, region, 0.01, so_far=0.0012) for name in objectives for region in regions
        ),
        errors=(("view-invoices: list invoices: status 503, wanted 200", 3),),
        due=250,
        cpu=0.14,
    )


def starting() -> Course:
    """It asks what stands before it, and nothing is planned yet."""
    return Course(RUN, "portal-baseline", "sandbox", Phase.RUNNING, NOW - 3, "sre")


def closed() -> Course:
    """Users instead of arrivals; nobody waits to be sent, so both times are one."""
    found = course()
    users = tuple(
        replace(one, level=20.0, applied=18.0, service=one.response, in_flight=0) for one in found.ticks
    )
    rows = tuple(replace(one, service=one.response) for one in found.requests)
    return replace(found, model="closed", top=20.0, ticks=users, requests=rows, journeys=(), due=0)


def searching() -> Course:
    """For the highest rate that holds: two steps are over, a third goes on."""
    steps = (Step(4.0, held=True), Step(8.0, held=False, reason="login-latency: 96.20% good, 99.00% wanted"))
    ticks_of_step = tuple(replace(one, level=6.0, applied=one.applied + 2) for one in ticks(9))
    found = replace(course(), is_search=True, steps=steps, ticks=ticks_of_step, top=64.0, length_s=22.0)
    return replace(found, warm_up_s=2.0, began=NOW - 70)


BLIND = Step(8.0, held=True, reason="login-latency: 40 requests, none of them bad; 300 are the least")


def retried() -> tuple[Step, ...]:
    """A rate that did not hold at first, and holds now that it is confirmed."""
    late = "login-latency: 98.60% good, 99.00% wanted"
    return (
        Step(75.0, held=False, reason="login-latency: 92.10% good, 99.00% wanted", is_proof=True),
        Step(67.5, held=False, reason=late),
        Step(67.5, held=True, is_proof=True),
    )


def confirming() -> Course:
    """A search with a step that saw too little, and one that it tried again."""
    return replace(searching(), steps=(BLIND, Step(60.0, held=True), OUT_OF_REACH, *retried()))


OUT_OF_REACH = Step(
    120.0,
    held=False,
    reason="generator-late: for 5 s arrivals began more than a second after they were due",
    is_pushed=False,
)


def dropping() -> Course:
    return replace(course(), dropped=7)


def tripped() -> Course:
    """Its guard ended it."""
    found = course(90)
    words = "14.4x or more: invoices-availability (west) 31.0x"
    verdict = inconclusive(f"guard-tripped: {Trip(LIMIT, words)}").but(ExitCode.STOPPED)
    spent = tuple(
        replace(
            one, spent=0.0123 if (one.objective, one.region) == ("invoices-availability", "west") else 0.0
        )
        for one in found.budget
    )
    return replace(
        found,
        phase=Phase.ENDED,
        alive=False,
        verdict=verdict,
        ended=NOW - 1,
        budget=spent,
        guard={LIMIT: GuardSaid("no", words, NOW - 2)},
    )


def missed() -> Course:
    """To its end, and too slow."""
    found = course(300)
    limits = (
        Found("login-latency", "97.10% (99.00%)", met=False, reason=""),
        Found("p95 response time < 800 ms", "205 ms", met=True, reason=""),
        Found("invoices-latency", "", met=False, reason="9 requests, 3 of them bad; 300 are the least"),
    )
    verdict = failed("threshold-missed: login-latency: 97.10% (99.00%)")
    over = replace(found, phase=Phase.ENDED, alive=False, verdict=verdict, ended=NOW - 1, found=limits)
    return replace(over, budget=tuple(replace(one, spent=0.001) for one in found.budget))


def shelf() -> LoadShelf:
    last = LastRun("20260921-120000-load-11aa", "pass: p95 response time < 800 ms 205 ms", NOW - 7500)
    slow = LastRun("20260920-120000-load-22bb", "fail: threshold-missed: login-latency: 97.10%", NOW - 90_000)
    guard = ("login-availability", "lookup-availability")
    rows = (
        ProfileRow(
            "lookup-peak", "Everybody looks at once", "team-platform", "closed", 60, 120, guard, 0.02, slow
        ),
        ProfileRow(
            "portal-baseline",
            "What the portal bears on an ordinary evening",
            "team-platform",
            "open",
            LEVEL,
            LENGTH_S,
            (*guard, "invoices-availability"),
            0.01,
            last,
        ),
        ProfileRow("sale-day", "Ten times the evening", "team-sales", "open", 40, 900, guard, 0.05, None),
    )
    runs = (
        CourseRow(RUN, "portal-baseline", "running", STARTED, "sre", "1:12/5:00 3.9/s p95 205ms", STARTED),
        CourseRow(last.run, "portal-baseline", "ended", last.at - 310, "second", last.words, last.at),
    )
    return LoadShelf("sandbox", NOW, rows, runs)


class MadeLoads(LoadBook):
    """Shows what it is given, and remembers what it is told. Not armed: refused, as in life."""

    def __init__(self, found: Course | None = None, on_shelf: LoadShelf | None = None) -> None:
        super().__init__(place(built_in(), None))
        self.now = found or course()
        self.on_shelf = on_shelf or shelf()
        self.told: list[tuple[str, ...]] = []

    def shelf(self, now: float) -> LoadShelf:
        return self.on_shelf

    def course(self, run: str) -> Course:
        return replace(self.now, run=run)

    def start(self, profile: str, *, armed: bool) -> str:
        self.refuse_unarmed(armed=armed)
        self.told.append(("start", profile))
        return RUN

    def stop(self, run: str) -> StopReport:
        self.told.append(("stop", run))
        return StopReport(run, signalled=True, error="")


class LoadFeed(RecordedFeed):
    """A recorded feed whose loads are made."""

    def __init__(self, book: LoadBook, looks: Sequence[Look] = ()) -> None:
        super().__init__(looks or [look()])
        self._loads = book

    def loads(self) -> LoadBook:
        return self._loads
