"""A run of a load: what stands before it, its generators, its guard, and its verdict."""

from __future__ import annotations

import math
import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.ledger import JsonObject
from keelwatch.runs import Bridge, Child, Phase, Run, Verdict
from keelwatch.runs.fields import number, text, whole
from keelwatch.safety import Watching, require_beside
from keelwatch.safety.around import Around
from keelwatch.safety.gate import Budget, require_calm
from keelwatch.safety.limits import asks_of
from keelwatch.safety.said import GuardTelling
from keelwatch.safety.spending import telling_spent
from keelwatch.workspace.reading import Unknown
from loadtests import generator
from loadtests.arrivals import Stage, length_s, within
from loadtests.broker import Broker
from loadtests.gathered import Gathered
from loadtests.load import Profile, named
from loadtests.plan import Plan
from loadtests.thresholds import Events, findings, of_load, require_objective
from loadtests.variables import kept
from loadtests.verdict import Applied, Finding, judge
from probes.accounts import Accounts, quarantined
from probes.load import load_wanted
from probes.place import Place
from probes.run_book import RunBook
from probes.scope_name import scope_of

if TYPE_CHECKING:
    from loadtests.spec import Threshold
    from slo.objective import Objective

ANSWERED = "answered"
"""The note that says a first request was answered well."""
LOOK_S = 0.1
SILENT_S = 8.0
"""Generators tell something each second: one that says nothing for so long is frozen."""
LEAVING_S = 5.0
"""From the first generator that says it ends until all have: Locust waits for those in flight."""
OVER_S = 45.0
"""Beyond the stages: for starting, for those in flight, for last words."""
SCRAPED_S = 3.0
"""Until the source has the last requests."""


def push(run: Run) -> Verdict:
    """The profile that the arguments name, from its gate to its verdict."""
    return Push(run).go()


@dataclass(frozen=True, slots=True)
class Ending:
    """How the generators ended: by themselves, or why they were stopped. `breach`: a threshold was missed for
    certain; `behind`: the generators do not keep up; `last_words`: of those that died before the load began;
    `lasted_s`: from its beginning until then."""

    ended: str = "finished"
    trip: str = ""
    stopped: str = ""
    breach: str = ""
    behind: str = ""
    last_words: str = ""
    lasted_s: float = math.inf


class Push:
    def __init__(self, run: Run) -> None:
        self.run = run
        self.place = Place(Path(text(run.args, "workspace")), run.spec.env, text(run.args, "sandbox"))
        self.workspace, self.entrance = self.place.find()
        self.profile = named(self.workspace.folders["loadtests"], text(run.args, "profile"))
        self.around = Around(self.place.workspace, self.place.environment, self.place.sandbox)
        self.kept = self._kept()
        self._is_answered = False
        self.seed = secrets.randbelow(1 << 31) if run.args.get("seed") is None else whole(run.args, "seed")

    def go(self) -> Verdict:
        run, spec = self.run, self.profile.spec
        self._require_objectives()
        require_beside("load", run.spec.env, run.others())
        run.lease(f"load/{run.spec.env}")
        readings = self.around.readings(spec.guard.burn_rate.objectives)
        require_calm(readings)
        budget = Budget(run, self.around, readings)
        budget.set_aside(spec.budget / 100)
        try:
            stages = self._stages()
            run.note("planned", self._planned(stages))
            with telling_spent(budget):
                return self.pushed(stages)
        finally:
            budget.settle()

    def pushed(self, stages: Sequence[Stage]) -> Verdict:
        """The stages, applied and judged."""
        warm_up = self.profile.spec.warm_up
        gathered = Gathered(warm_up.total_seconds() if warm_up else 0.0)
        broker, ending = self.applied(stages, gathered)
        found = self.found(gathered, measured_since(broker, gathered)) if not ending.trip else []
        applied = applied_of(broker, gathered, ending, self.profile, length_s(stages))
        verdict = judge(applied, found, ending.trip, ending.stopped)
        self.run.note("judged", _judged(applied, found, gathered))
        return verdict

    def applied(self, stages: Sequence[Stage], gathered: Gathered) -> tuple[Broker, Ending]:
        """Generators, from their start to the last one's end, under the guard."""
        run, spec = self.run, self.profile.spec
        accounts = Accounts(run)
        book = RunBook(run, self.entrance, accounts)
        broker = Broker(run, spec.processes, gathered, book)
        limits = asks_of(spec.guard, self.around, run, list(self.entrance.regions))
        with Bridge(run.spec.folder, broker.answer, broker.hung_up), Watching(limits) as guard:
            child = generator.start(run, self._plan(stages), self.kept)
            try:
                ending = self._watched(child, broker, guard, length_s(stages))
            finally:
                broker.over()
                generator.stop(child, hastily=broker.lost > 0)
        return broker, ending

    def _watched(self, child: Child, broker: Broker, guard: Watching, length: float) -> Ending:
        give_up = time.monotonic() + length + OVER_S
        telling = GuardTelling(self.run)
        while child.process.poll() is None:
            if guard.trips:
                return Ending(trip=str(guard.trips[0]))
            if self.run.stop_requested.wait(LOOK_S):
                return Ending(stopped=self.run.stop_requested.reason, lasted_s=broker.passed_s)
            if why := self._outlived():
                return Ending(stopped=why, lasted_s=broker.passed_s)
            if ending := self._seen(broker, length):
                return ending
            if time.monotonic() > give_up:
                return Ending(ended="frozen")
            telling.tell(guard.answers)
            self._say_answered(broker)
        if child.process.returncode == 0 and broker.there >= self.profile.spec.processes:
            return self._by_itself(broker, length)
        last_words = generator.last_words(self.run.spec.folder) if broker.began is None else ""
        return Ending(ended="died", last_words=last_words)

    def _outlived(self) -> str:
        """Whether the run that this load is for is gone, as one that was killed can tell nobody to stop."""
        if not (beside := text(self.run.args, "beside")):
            return ""
        is_there = self.run.other(beside).phase in {Phase.RUNNING, Phase.STOPPING}
        return "" if is_there else f"run {beside}, which it was for, is over"

    def _say_answered(self, broker: Broker) -> None:
        """Once, for whoever waits for this load to be there: that it has begun is no answer yet."""
        if not self._is_answered and broker.is_answered:
            self._is_answered = True
            self.run.note(ANSWERED, {})

    def _by_itself(self, broker: Broker, length: float) -> Ending:
        """Locust has ended, and all said so. A shape of its own may end a closed load when it likes; nothing
        else may: not a listener that quits, and nobody's SIGTERM."""
        lasted_s = broker.passed_s if broker.left_s is None else broker.left_s
        is_whole = broker.done >= self.profile.spec.processes or (
            self.profile.spec.model == "closed" and (broker.own_shape or lasted_s >= length)
        )
        return Ending("finished" if is_whole else "early", lasted_s=lasted_s)

    def _seen(self, broker: Broker, length: float) -> Ending | None:
        """What ends it of all that the generators tell, and do not."""
        if broker.done >= self.profile.spec.processes or broker.unfit:
            return Ending()
        if broker.lost:
            return Ending(ended="died")
        if broker.left_s is not None and broker.passed_s - broker.left_s > LEAVING_S:
            return Ending(ended="died", lasted_s=broker.left_s)
        if broker.silent_s > SILENT_S:
            return Ending(ended="frozen")
        if broker.began is None:
            return None
        passed_s = time.monotonic() - broker.began
        if broker.own_shape and passed_s > length:
            return Ending()
        return self.certainly(broker.gathered, length)

    def certainly(self, gathered: Gathered, whole_s: float) -> Ending | None:  # noqa: ARG002
        """What it has come to before its end; a load that is no search goes on."""
        return None

    @property
    def thresholds(self) -> Sequence[Threshold]:
        return self.profile.spec.thresholds

    def found(self, gathered: Gathered, since: float) -> list[Finding]:
        """What came of each threshold; those of objectives are asked of the source."""
        thresholds = self.thresholds
        names = [one.objective for one in thresholds if one.objective is not None]
        objectives = {one.name: one for one in self._objectives() if one.name in names}
        if names:
            self.run.stop_requested.wait(SCRAPED_S)
        counted = {name: self._counted(one, time.time() - since) for name, one in objectives.items()}
        return findings(thresholds, gathered, counted)

    def _require_objectives(self) -> None:
        """Raises `UsageError`: what is not there is never missed."""
        if wanted := [one.objective for one in self.thresholds if one.objective is not None]:
            known = [one.name for one in self._objectives()]
            for name in wanted:
                require_objective(name, known)

    def _counted(self, objective: Objective, window_s: float) -> Events | Unknown:
        mine = of_load(objective)
        if mine is None:
            return Unknown("its queries do not tell load from customers by the label `traffic`", time.time())
        counts = self.around.counts(mine, window_s)
        return counts if isinstance(counts, Unknown) else Events(*counts, objective.target)

    def _objectives(self) -> Sequence[Objective]:
        from slo.load import load_folder

        return load_folder(self.workspace.folders["slo"])

    def _stages(self) -> list[Stage]:
        stages = self.profile.stages
        if self.run.args.get("rate") is not None:
            rate = number(self.run.args, "rate")
            stages = [Stage(rate, rate, length_s(stages))]
        for_s = self.run.args.get("for_s")
        return stages if for_s is None else within(stages, number(self.run.args, "for_s"))

    def _plan(self, stages: Sequence[Stage]) -> Plan:
        spec, entrance = self.profile.spec, self.entrance
        return Plan(
            folder=str(self.run.spec.folder),
            workspace=str(self.place.workspace),
            environment=self.place.environment,
            sandbox=self.place.sandbox,
            profile=self.profile.name,
            model=spec.model,
            arrivals=spec.arrivals,
            stages=tuple(stages),
            seed=self.seed,
            most_in_flight=spec.most_in_flight,
            processes=spec.processes,
            journeys=tuple((one.journey, one.weight) for one in spec.journeys or ()),
            pool=spec.pool or "",
            accounts=self._accounts(),
            locustfile=str(self.profile.locustfile or ""),
            host=entrance.edge,
            hosts=tuple(entrance.hosts),
        )

    def _kept(self) -> set[str]:
        spec = self.profile.spec
        names = [one.journey for one in spec.journeys or ()]
        known = load_wanted(self.workspace.folders["probes"], names)[0] if names else {}
        _, environment = self.workspace.environment(self.place.environment)
        return kept(environment, [known[name] for name in names], spec.variables)

    def _accounts(self) -> tuple[str, ...]:
        """Of the profile's pool, which is this run's alone: all that have no undo left open."""
        pool, environment = self.profile.spec.pool, self.run.spec.env
        if pool is None:
            return ()
        if not self.run.holds(scope := f"pool/{environment}/{pool}"):
            self.run.lease(scope)
        barred = quarantined(self.run)
        return tuple(
            one.name for one in self.entrance.pool(pool) if scope_of(environment, one.name) not in barred
        )

    def _planned(self, stages: Sequence[Stage]) -> JsonObject:
        spec = self.profile.spec
        return {
            "profile": self.profile.name,
            "title": spec.title,
            "model": spec.model,
            "seed": self.seed,
            "stages": [[one.begin, one.end, one.for_s] for one in stages],
            "warm_up_s": spec.warm_up.total_seconds() if spec.warm_up else 0.0,
            "processes": spec.processes,
            "guard": list(spec.guard.burn_rate.objectives),
            "budget": spec.budget / 100,
        }


def measured_since(broker: Broker, gathered: Gathered) -> float:
    """When (Unix time) the warm-up was over: it counts from the first arrival, not from the start of
    processes that take a moment to be there. Now, for a load that never began."""
    if broker.began is None:
        return time.time()
    return time.time() - (time.monotonic() - broker.began) + gathered.warm_up_s


def applied_of(
    broker: Broker, gathered: Gathered, ending: Ending, profile: Profile, length: float
) -> Applied:
    spec = profile.spec
    there = broker.there if broker.began is not None or not ending.stopped else spec.processes
    return Applied(
        ended=ending.ended,
        workers=spec.processes,
        least_workers=max(0, there - broker.lost - (broker.left if ending.ended == "died" else 0)),
        least_users=gathered.least_users(ending.lasted_s) if spec.model == "closed" else None,
        cpu=gathered.cpu,
        due=gathered.due,
        dropped=gathered.dropped + broker.left_unanswered,
        requests=gathered.all.count,
        no_account=gathered.no_account,
        refused=tuple(broker.refusals),
        idle=gathered.idle,
        raised=gathered.raised,
        quiet_s=gathered.quiet_s(spec.processes, min(ending.lasted_s, length)),
        late_s=gathered.late_s,
        failed=gathered.all.failed,
        unfit=broker.unfit or generator.unfit_by(ending.last_words),
        last_words=ending.last_words,
        warmed=gathered.warmed,
        lasted_s=ending.lasted_s,
        ordered_s=length,
        journeys=sum(one.count for one in gathered.journeys.values()),
        journeys_failed=sum(one.failed for one in gathered.journeys.values()),
    )


def _judged(applied: Applied, found: Sequence[Finding], gathered: Gathered) -> JsonObject:
    return {
        "requests": gathered.all.count,
        "failed": gathered.all.failed,
        "due": applied.due,
        "dropped": applied.dropped,
        "workers": applied.workers,
        "least_workers": applied.least_workers,
        "least_users": applied.least_users,
        "cpu": applied.cpu,
        "findings": [
            {
                "name": one.name,
                "value": one.value,
                "met": one.met,
                "samples": one.samples,
                "reason": one.reason,
                "late": one.late,
            }
            for one in found
        ],
        "errors": dict(gathered.errors.most_common(20)),
    }
