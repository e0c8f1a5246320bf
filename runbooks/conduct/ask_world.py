"""Asking the world what a runbook wants to know of it: conditions, limits, rules. Reads, but for journeys,
which are runs of their own and take back what they change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.adapters import haproxy
from keelwatch.runs import Action, Run
from keelwatch.safety import Rule, Situation, holds, questions
from keelwatch.safety.around import Around
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.reading import Answer, Condition
from runbooks.conduct.world import changed, standing_of
from runbooks.inputs import fill

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.workspace.estate import Estate
    from runbooks.conduct.order import Order
    from runbooks.spec import BurnLimit, JourneyLimit
    from runbooks.spec import Condition as Wanted
    from runbooks.verbs.spec import PgLag, Probe, SloHold

PAUSE_S = 1.0
LEAST_WINDOW_S = 8.0


@dataclass(frozen=True, slots=True)
class Asked:
    """One question, in words, and its answer."""

    name: str
    found: Condition


class World:
    """The environment of one run, looked at anew each time: a sandbox that came up again is found."""

    def __init__(self, run: Run, order: Order) -> None:
        self._run = run
        self._order = order
        self._around = Around(order.workspace, order.environment, order.sandbox)

    def wanted(self, condition: Wanted) -> Iterator[Asked]:
        """Each key that is given, in order. Raises `Stopped` while journeys run."""
        if condition.serving is not None:
            regions = [self._text(one) for one in condition.serving]
            yield Asked(f"{', '.join(regions)} serves", self.serves(regions))
        if condition.pg_lag is not None:
            yield Asked(f"{self._text(condition.pg_lag.region)} keeps up", self.keeps_up(condition.pg_lag))
        if condition.slo_hold is not None:
            yield Asked("the error budget holds", self.budget_holds(condition.slo_hold))
        if condition.probe is not None:
            yield Asked(
                f"journeys pass in {self._text(condition.probe.region)}", self.passes(condition.probe)
            )

    def placed(self, action: Action) -> Action:
        """`action`, told where the estate is."""
        return Action(action.verb, {**action.args, **self._order.place})

    def changed_since(self, plan: JsonObject) -> list[str]:
        """What stands otherwise than when the plan was made, in words."""
        planned = plan.get("standing")
        return changed(planned, standing_of(self.estate())) if isinstance(planned, dict) else []

    def serves(self, regions: Sequence[str]) -> Condition:
        """Whether each of `regions` gets new customers, at the edge."""
        try:
            found = haproxy.serving(self.estate().the_edge())
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        return _all(found.get(one, Condition.no(f"the edge has no region {one}")) for one in regions)

    def rules(self, rules: Sequence[str]) -> list[Asked]:
        """Whether each invariant holds now; asked together, for customers may be waiting."""
        if not rules:
            return []
        try:
            wants_edge = Rule.ONE_REGION_SERVING in rules
            serving = haproxy.serving(self.estate().the_edge()) if wants_edge else {}
            situation = Situation(self._order.environment, serving, tuple(self._run.others()))
        except KeelwatchError as error:
            return [Asked(rule, Condition.unknown(error.message)) for rule in rules]
        return [Asked(rule, holds(Rule(rule), situation)) for rule in rules]

    def passes(self, probe: Probe) -> Condition:
        """Whether the journeys pass, and go on passing for as long as is asked."""
        names = [self._text(one) for one in probe.journeys or ()]
        ok_for_s = probe.ok_for.total_seconds() if probe.ok_for is not None else 0.0
        began = time.monotonic()
        while True:
            found = self.journeys(names, self._text(probe.region))
            if found.answer is not Answer.YES or time.monotonic() - began >= ok_for_s:
                return found
            self._run.wait(PAUSE_S)

    def journeys(self, names: Sequence[str], region: str) -> Condition:
        """One execution of each."""
        return self._around.journeys(self._run, names, region)

    def budget_holds(self, wanted: SloHold) -> Condition:
        """Whether it burns slower than is wanted, for as long as is asked."""
        region = self._text(wanted.region) if wanted.region is not None else None
        window_s = wanted.window.total_seconds() if wanted.window is not None else questions.USUAL_WINDOW_S
        lasts_s = wanted.duration.total_seconds() if wanted.duration is not None else 0.0
        names = [self._text(one) for one in wanted.objectives or ()]
        began = time.monotonic()
        while True:
            found = self.burn_below(wanted.below, window_s, region, names)
            if found.answer is not Answer.YES or time.monotonic() - began >= lasts_s:
                return found
            self._run.wait(PAUSE_S)

    def burn_limit(self, limit: BurnLimit, since_s: float) -> Condition:
        """Over the limit's window, but no longer than `since_s`: what burned before the step began is what it
        is to mend, and no reason to stop it."""
        if since_s < LEAST_WINDOW_S:
            return Condition.unknown(f"the step has stood for {since_s:.0f} s, too short to tell")
        region = self._text(limit.region) if limit.region is not None else None
        whole_s = limit.window.total_seconds() if limit.window is not None else questions.USUAL_WINDOW_S
        window_s = min(whole_s, since_s)
        return self.burn_below(
            limit.above, window_s, region, [self._text(one) for one in limit.objectives or ()]
        )

    def journey_limit(self, limit: JourneyLimit) -> Condition:
        return self.journeys([self._text(one) for one in limit.journeys or ()], self._text(limit.region))

    def burn_below(self, most: float, window_s: float, region: str | None, names: Sequence[str]) -> Condition:
        """Whether no objective on real traffic burns at `most` or more over the window."""
        return self._around.burn_below(most, window_s, region, names)

    def promql_holds(self, query: str) -> Condition:
        return self._around.promql_holds(self._text(query))

    def keeps_up(self, wanted: PgLag) -> Condition:
        """Whether a standby does."""
        max_s = wanted.max.total_seconds() if wanted.max is not None else None
        return self._around.keeps_up(self._text(wanted.region), max_s, wanted.max_bytes)

    def estate(self) -> Estate:
        return self._around.estate()

    def _text(self, text: str) -> str:
        return fill(text, self._order.values)


def _all(found: Iterator[Condition] | Sequence[Condition]) -> Condition:
    """Yes when all are; the first no, else the first unknown."""
    answers = list(found)
    for wanted in (Answer.NO, Answer.UNKNOWN):
        for one in answers:
            if one.answer is wanted:
                return one
    return Condition.yes("; ".join(one.evidence for one in answers))


def until(
    run: Run, ask: Callable[[], Sequence[Asked]], within_s: float, stopped: Callable[[], bool] = lambda: False
) -> Sequence[Asked]:
    """The answers once all are yes, else the last ones when `within_s` is over. Asked at least once."""
    end = time.monotonic() + within_s
    while True:
        found = ask()
        if all(one.found.answer is Answer.YES for one in found) or time.monotonic() >= end or stopped():
            return found
        run.wait(PAUSE_S)
