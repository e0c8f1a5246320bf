"""What a guard asks of the environment around a run: burn rates, PromQL, replica lag, whether journeys pass.

Reads alone, but for journeys, which are runs of their own and take back what they change. The environment is
looked up anew each time: a sandbox that came up again is found.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.runs import Phase, Run
from keelwatch.safety import questions
from keelwatch.workspace.errors import KeelwatchError, SourceError, UsageError
from keelwatch.workspace.reading import Condition, Unknown

if TYPE_CHECKING:
    from keelwatch.adapters.prometheus import Prometheus
    from keelwatch.workspace.estate import Estate
    from keelwatch.workspace.model import EnvironmentSpec
    from keelwatch.workspace.workspace import Workspace
    from slo.objective import Objective
    from slo.snapshot import ObjectiveReading
    from slo.source import Source

JOURNEY_S = 120.0


@dataclass(frozen=True, slots=True)
class Around:
    """`sandbox` names another one than the environment's; empty: its own."""

    workspace: Path
    environment: str
    sandbox: str = ""

    def burn_below(self, most: float, window_s: float, region: str | None, names: Sequence[str]) -> Condition:
        """Whether no objective burns at `most` or more over the window: of `names`, whatever they count, or
        of all on real traffic without any; in `region` or in all. Unknown when a name is not there: what
        nobody watches is not well."""
        from slo.objective import track

        try:
            workspace, spec = self._declared()
            source, client = self._source()
            objectives = _objectives(workspace.folders["slo"])
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        if missing := sorted({*names} - {one.name for one in objectives}):
            return Condition.unknown(f"there is no objective {', '.join(map(repr, missing))}")
        chosen = [one for one in objectives if (one.name in names if names else one.stratum == "real")]
        tracked = [each for one in chosen for each in track(one, tuple(spec.regions))]
        wanted = [one for one in tracked if region is None or one.region in {region, None}]
        return questions.burn_below(client, wanted, most, window_s, time.time(), source.stale_after_s)

    def counts(self, objective: Objective, window_s: float) -> tuple[float, float] | Unknown:
        """How many events of it were bad in the last `window_s`, and how many there were, in all regions;
        unknown where one of them is, but for a region without any."""
        from slo.burn import NO_TRAFFIC
        from slo.objective import track
        from slo.window_burn import window_counts

        try:
            _, spec = self._declared()
            _, client = self._source()
        except KeelwatchError as error:
            return Unknown(error.message, time.time())
        tracked = track(objective, tuple(spec.regions))
        found = list(window_counts(client, tracked, window_s, time.time()).values())
        dark = [one for one in found if isinstance(one, Unknown) and one.reason != NO_TRAFFIC]
        known = [one for one in found if not isinstance(one, Unknown)]
        if dark or not known:
            return dark[0] if dark else Unknown(NO_TRAFFIC, time.time())
        return sum(bad for bad, _ in known), sum(total for _, total in known)

    def readings(self, names: Sequence[str]) -> tuple[ObjectiveReading, ...]:
        """The objectives of these names, in every region, as they stand now. Raises `UsageError` for one that
        is not there, `InputError` for bad files, `SourceError` when there is no source."""
        from slo.engine import Engine

        workspace, spec = self._declared()
        source, client = self._source()
        known = {one.name: one for one in _objectives(workspace.folders["slo"])}
        for name in names:
            if name not in known:
                raise UsageError(f"there is no objective {name!r}", f"there are: {', '.join(known)}")
        components = workspace.components.items()
        engine = Engine(
            client,
            [known[name] for name in dict.fromkeys(names)],
            regions=tuple(spec.regions),
            environment=self.environment,
            stale_after_s=source.stale_after_s,
            direct_up_to_s=source.direct_up_to_s,
            component_regions={name: one.regions for name, one in components if one.regions is not None},
        )
        snapshot = engine.tick(time.time())
        if snapshot.source_error:
            raise SourceError(snapshot.source_error)
        return snapshot.objectives

    def promql_holds(self, query: str) -> Condition:
        try:
            _, client = self._source()
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        return questions.promql_holds(client, query, time.time())

    def keeps_up(self, region: str, max_s: float | None, max_bytes: int | None) -> Condition:
        """Whether the standby of `region` does."""
        try:
            database = self.estate().the_database()
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        return questions.lag_below(database, region, max_s, max_bytes)

    def journeys(self, run: Run, names: Sequence[str], region: str) -> Condition:
        """One execution of each, or of all without names, in a run that `run` starts. Raises `Stopped`."""
        from probes.instance import arguments

        what = ", ".join(names) or "all journeys"
        try:
            args = arguments(self.workspace, names, [region])
            if self.sandbox:
                args = {**args, "sandbox": self.sandbox}
            started = run.start("probe", f"{what} (of {run.id})", args)
        except KeelwatchError as error:
            return Condition.unknown(f"{what} in {region}: {error.message}")
        give_up = time.monotonic() + JOURNEY_S
        while (view := run.other(started)).phase is not Phase.ENDED:
            if time.monotonic() > give_up:
                return Condition.unknown(
                    f"{what} in {region}: run {started} has no end after {JOURNEY_S:g} s"
                )
            run.wait(0.1)
        verdict = view.state.verdict
        if verdict is None:
            return Condition.unknown(f"{what} in {region}: run {started} died")
        words = f"{what} in {region}: {verdict} (run {started})"
        answers = {"pass": Condition.yes(words), "fail": Condition.no(words)}
        return answers.get(verdict.outcome, Condition.unknown(words))

    def estate(self) -> Estate:
        from keelwatch.workspace.estate import find_estate

        return find_estate(self.workspace, self.environment, self.sandbox)

    def _declared(self) -> tuple[Workspace, EnvironmentSpec]:
        workspace = _workspace(self.workspace, _stamp([self.workspace]))
        _, spec = workspace.environment(self.environment)
        if self.sandbox:
            spec = spec.model_copy(update={"sandbox": self.sandbox})
        return workspace, spec

    def _source(self) -> tuple[Source, Prometheus]:
        from keelwatch.adapters.prometheus import Prometheus
        from slo.source import find_source

        workspace, spec = self._declared()
        source = find_source(spec, workspace.root)
        return source, Prometheus(source.config)


def _stamp(files: Iterable[Path]) -> tuple[tuple[str, int], ...]:
    """What tells whether a file was edited since. A guard looks every second, and reading YAML takes longer
    than asking the source: under load it would keep the run from everything else."""
    found = []
    for file in files:
        with suppress(OSError):
            found.append((str(file), file.stat().st_mtime_ns))
    return tuple(found)


def _objectives(folder: Path) -> tuple[Objective, ...]:
    from keelwatch.workspace.spec_files import spec_files

    return _read_objectives(folder, _stamp(spec_files(folder)[0]))


@lru_cache(maxsize=4)
def _read_objectives(folder: Path, _: object) -> tuple[Objective, ...]:
    from slo.load import load_folder

    return load_folder(folder)


@lru_cache(maxsize=4)
def _workspace(file: Path, _: object) -> Workspace:
    from keelwatch.workspace.workspace import load_workspace

    return load_workspace(file)
