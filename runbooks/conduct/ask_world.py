"""Asking the world what a runbook wants to know of it: conditions, limits, rules. Reads, but for journeys,
which are runs of their own and take back what they change."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from keelwatch.adapters import haproxy
from keelwatch.runs import Action, Phase, Run
from keelwatch.safety import Rule, Situation, holds, questions
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.reading import Answer, Condition
from runbooks.conduct.world import changed, standing_of
from runbooks.inputs import fill

if TYPE_CHECKING:
    from keelwatch.adapters.prometheus import Prometheus
    from keelwatch.ledger import JsonObject
    from keelwatch.workspace.estate import Estate
    from keelwatch.workspace.model import EnvironmentSpec
    from keelwatch.workspace.workspace import Workspace
    from runbooks.conduct.order import Order
    from runbooks.spec import BurnLimit, JourneyLimit
    from runbooks.spec import Condition as Wanted
    from runbooks.verbs.spec import PgLag, Probe, SloHold
    from slo.source import Source

PAUSE_S = 1.0
JOURNEY_S = 120.0
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
        from probes.instance import arguments

        what = ", ".join(names) or "all journeys"
        try:
            args = arguments(self._order.workspace, names, [region])
            if self._order.sandbox:
                args = {**args, "sandbox": self._order.sandbox}
            run = self._run.start("probe", f"{what} (of {self._run.id})", args)
        except KeelwatchError as error:
            return Condition.unknown(f"{what} in {region}: {error.message}")
        give_up = time.monotonic() + JOURNEY_S
        while (view := self._run.other(run)).phase is not Phase.ENDED:
            if time.monotonic() > give_up:
                return Condition.unknown(f"{what} in {region}: run {run} has no end after {JOURNEY_S:g} s")
            self._run.wait(0.1)
        verdict = view.state.verdict
        if verdict is None:
            return Condition.unknown(f"{what} in {region}: run {run} died")
        words = f"{what} in {region}: {verdict} (run {run})"
        answers = {"pass": Condition.yes(words), "fail": Condition.no(words)}
        return answers.get(verdict.outcome, Condition.unknown(words))

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
        from slo.load import load_folder
        from slo.objective import track

        try:
            workspace, spec = self._environment()
            source, client = self._source()
            objectives = load_folder(workspace.folders["slo"])
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        chosen = [one for one in objectives if one.stratum == "real" and (not names or one.name in names)]
        tracked = [each for one in chosen for each in track(one, tuple(spec.regions))]
        wanted = [one for one in tracked if region is None or one.region in {region, None}]
        return questions.burn_below(client, wanted, most, window_s, time.time(), source.stale_after_s)

    def promql_holds(self, query: str) -> Condition:
        try:
            _, client = self._source()
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        return questions.promql_holds(client, self._text(query), time.time())

    def keeps_up(self, wanted: PgLag) -> Condition:
        """Whether a standby does."""
        try:
            database = self.estate().the_database()
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        max_s = wanted.max.total_seconds() if wanted.max is not None else None
        return questions.lag_below(database, self._text(wanted.region), max_s, wanted.max_bytes)

    def estate(self) -> Estate:
        from keelwatch.workspace.estate import find_estate

        order = self._order
        return find_estate(order.workspace, order.environment, order.sandbox)

    def _environment(self) -> tuple[Workspace, EnvironmentSpec]:
        from keelwatch.workspace.workspace import load_workspace

        workspace = load_workspace(self._order.workspace)
        _, spec = workspace.environment(self._order.environment)
        if self._order.sandbox:
            spec = spec.model_copy(update={"sandbox": self._order.sandbox})
        return workspace, spec

    def _source(self) -> tuple[Source, Prometheus]:
        from keelwatch.adapters.prometheus import Prometheus
        from slo.source import find_source

        workspace, spec = self._environment()
        source = find_source(spec, workspace.root)
        return source, Prometheus(source.config)

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
