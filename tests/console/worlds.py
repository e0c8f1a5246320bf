"""Worlds to draw: the numbers of an evening on which invoices break, made by hand and self-consistent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from console.chaos_book import ChaosBook
from console.feed import Key, Look
from console.journeys import JourneyBook
from console.load_book import LoadBook
from console.places import place
from console.runbook_book import RunbookBook
from console.view.world import Causes, Change, Origin, RegionFacts, Tally, Workers, World
from keelwatch.workspace.find import built_in
from keelwatch.workspace.reading import Reading, Unknown, Value
from slo.reasons import Cause
from slo.snapshot import Counts, ObjectiveReading, PairReading, Snapshot, State, Trend, in_order

NOW = 1_790_000_047.0
PERIOD_S = 30 * 86400.0
PAIRS = (
    ("1h", "5m", 14.4, State.PAGE, 0.02),
    ("6h", "30m", 6.0, State.PAGE, 0.05),
    ("1d", "2h", 3.0, State.TICKET, 0.10),
    ("3d", "6h", 1.0, State.TICKET, 0.10),
)
WINDOWS = ("5m", "30m", "1h", "2h", "6h", "1d", "3d", "period")
TRAFFIC = {
    "5m": 300,
    "30m": 1800,
    "1h": 3600,
    "2h": 7200,
    "6h": 21600,
    "1d": 86400,
    "3d": 259200,
    "period": 2592000,
}


def objective(
    name: str,
    burns: Sequence[float],
    *,
    region: str | None = None,
    component: str = "billing",
    target: float = 0.999,
    state: State = State.OK,
    trend: Trend = Trend.STEADY,
    since: float | None = None,
    recent: Sequence[float | None] = (0.0,) * 12,
) -> ObjectiveReading:
    """An objective whose burn rates are `burns`, in the order of `WINDOWS`."""
    burn: dict[str, Reading] = {w: Value(b, NOW) for w, b in zip(WINDOWS, burns, strict=True)}
    left = 1 - burns[-1]
    rate = burns[2]
    return ObjectiveReading(
        name=name,
        component=component,
        region=region,
        display=name,
        target=target,
        period_s=PERIOD_S,
        state=state,
        trend=trend,
        budget_remaining=Value(left, NOW),
        burn=burn,
        error_ratio={w: Value(b * (1 - target), NOW) for w, b in zip(WINDOWS, burns, strict=True)},
        pairs=tuple(_pair(burn, *pair) for pair in PAIRS),
        empty_in_s=left * PERIOD_S / rate if rate > 1 else None,
        unknown_reason=None,
        kind="latency" if name.endswith("latency") else "availability",
        counts={
            w: Counts(TRAFFIC[w] * b * (1 - target), TRAFFIC[w]) for w, b in zip(WINDOWS, burns, strict=True)
        },
        since=since,
        sample_age_s=1.0,
        recent_burn=tuple(recent),
    )


def _pair(
    burn: dict[str, Reading], long: str, short: str, factor: float, severity: State, budget: float
) -> PairReading:
    over = [isinstance(one, Value) and one.value > factor for one in (burn[long], burn[short])]
    outcome = "critical" if all(over) else "clear"
    since = NOW - 25 * 60 if outcome == "critical" else None
    return PairReading(long, short, factor, severity, budget, burn[long], burn[short], outcome, since)  # type: ignore[arg-type]


def unknown(
    name: str, reason: str, *, region: str | None = None, component: str = "accounts"
) -> ObjectiveReading:
    nothing: dict[str, Reading] = {window: Unknown(reason, NOW) for window in WINDOWS}
    return ObjectiveReading(
        name=name,
        component=component,
        region=region,
        display=name,
        target=0.999,
        period_s=PERIOD_S,
        state=State.UNKNOWN,
        trend=Trend.STEADY,
        budget_remaining=Unknown(reason, NOW),
        burn=nothing,
        error_ratio=nothing,
        pairs=(),
        empty_in_s=None,
        unknown_reason=reason,
    )


QUIET = (0.0, 0.1, 0.1, 0.2, 0.2, 0.3, 0.4, 0.09)
RISING = (0.2, 0.1, 0.3, 0.2, 0.4, 1.0, 4.0, 9.0, 18.0, 30.0, 41.0, 41.2)


def bad_evening() -> Snapshot:
    """Invoices page in the west, log-in is slow enough for a ticket, one objective cannot be read."""
    objectives = (
        objective(
            "invoices-availability",
            (41.2, 34.4, 16.9, 8.8, 3.1, 1.1, 0.8, 0.955),
            region="west",
            state=State.PAGE,
            trend=Trend.INCREASING,
            since=NOW - 25 * 60,
            recent=RISING,
        ),
        unknown("lookup-availability", "stale: last sample 4m ago", region="east"),
        objective(
            "login-latency",
            (1.1, 2.0, 6.4, 4.5, 4.0, 2.1, 1.1, 0.298),
            region="west",
            component="identity",
            target=0.995,
            state=State.TICKET,
            trend=Trend.RECOVERING,
            since=NOW - 3 * 3600,
            recent=tuple(reversed(RISING)),
        ),
        objective("invoices-availability", QUIET, region="east"),
        objective("login-availability", QUIET, region="west", component="identity"),
        objective("login-availability", QUIET, region="east", component="identity"),
        objective("login-latency", QUIET, region="east", component="identity", target=0.995),
        objective("lookup-availability", QUIET, region="west", component="accounts"),
        objective("portal-availability", (9.8, 8.0, 3.9, 2.0, 0.9, 0.5, 0.4, 0.31), component="portal"),
        objective("portal-latency", QUIET, component="portal", target=0.99),
    )
    return Snapshot(NOW, "sandbox", "http://127.0.0.1:17090", in_order(objectives), fresh_s=1.0)


CHANGES = (
    Change(NOW - 7200, "sandbox up", "sre"),
    Change(NOW - 26 * 60, "fault billing.errors 100% in west", "sre"),
)

FACTS = {
    "west": RegionFacts(Workers(1, 2), Value(1.92, NOW), Tally(8, 2, 10, oldest_s=95.0)),
    "east": RegionFacts(Workers(2, 2), Value(0.31, NOW), Tally(10, 0, 10, oldest_s=88.0)),
}


def look(snapshot: Snapshot | None = None) -> Look:
    """Without a source there is no percentile; the workers are counted elsewhere."""
    reason = snapshot.source_error if snapshot else None
    silent = {region: replace(facts, p95_s=Unknown(reason or "", NOW)) for region, facts in FACTS.items()}
    return Look(
        snapshot=snapshot or bad_evening(),
        regions=("west", "east"),
        source="prometheus",
        changes=CHANGES,
        backfill_until=NOW - 7200,
        user="sre",
        facts=silent if reason else FACTS,
    )


def past_look(at: float) -> Look:
    """A moment at which nothing was wrong, and one change had been made."""
    well = tuple(
        objective(one.name, QUIET, region=one.region, component=one.component, target=one.target)
        for one in bad_evening().objectives
    )
    snapshot = replace(bad_evening(), at=at, objectives=in_order(well))
    gone = {region: RegionFacts(Unknown("not recorded", at), Value(0.2, at)) for region in FACTS}
    before = tuple(change for change in CHANGES if change.at <= at)
    return replace(look(snapshot), changes=before, facts=gone, user="")


def world(origin: Origin = Origin.LIVE, trouble: str | None = None, now: float = NOW + 2) -> World:
    return World(
        environment="sandbox",
        regions=("west", "east"),
        origin=origin,
        now=now,
        snapshot=bad_evening(),
        trouble=trouble,
        changes=CHANGES,
        user="sre",
        backfill_until=NOW - 7200,
        facts=FACTS,
    )


class RecordedFeed:
    """A feed that gives what it was told to give."""

    def __init__(self, looks: Sequence[Look]) -> None:
        self._looks = list(looks)

    def look(self) -> Look:
        return self._looks.pop(0) if len(self._looks) > 1 else self._looks[0]

    def look_at(self, at: float) -> Look:
        """Half an hour ago all was well."""
        return past_look(at)

    def burn_down(self, key: Key, at: float | None = None) -> Sequence[float | None]:
        return [
            1.0 - 0.2 * step / 690 if step < 690 else 0.8 - 0.755 * (step - 690) / 30 for step in range(720)
        ]

    def causes(self, key: Key, at: float | None = None) -> Causes:
        shared = [
            Cause({"code": "502", "version": "v2"}, 3412.0),
            Cause({"code": "503", "version": "v1"}, 288.0),
        ]
        routes = [Cause({"route": "invoices"}, 3500.0), Cause({"route": "invoice"}, 200.0)]
        return Causes(shared, {"region": [Cause({"region": "west"}, 3700.0)], "route": routes})

    def why(self, key: Key, at: float | None = None) -> Sequence[str]:
        return [
            f"{key[0]} {key[1] or 'all regions'}",
            "",
            "1h   bad 60.84  total 3600  ratio 0.0169  burn 16.9x",
        ]

    def loads(self) -> LoadBook:
        """The sandbox's load profiles, with the runs that the state folder of the test knows."""
        return LoadBook(place(built_in(), None))

    def chaos(self) -> ChaosBook:
        """The sandbox's experiments, with the runs that the state folder of the test knows."""
        return ChaosBook(place(built_in(), None))

    def runbooks(self) -> RunbookBook:
        """The sandbox's runbooks, with the runs that the state folder of the test knows."""
        return RunbookBook(place(built_in(), None))

    def journeys(self) -> JourneyBook:
        """The sandbox's journeys, with what is kept of them in the state folder of the test."""
        return JourneyBook(place(built_in(), None))
