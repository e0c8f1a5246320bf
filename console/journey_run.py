"""Running one journey from a screen: what `keelwatch probe run` does, told as it happens."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from console.places import Place
from probes.record import Execution, StepRecord


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run is: the steps done so far, the execution once it is over. `ended` is why the run is, with
    nothing more to come; empty while it goes on."""

    run: str
    steps: tuple[StepRecord, ...] = ()
    execution: Execution | None = None
    ended: str = ""


def twin(environment: str, journey: str, region: str) -> str:
    """The command that does the same."""
    return f"keelwatch probe run {journey} --region {region} --env {environment}"


def start_journey(place: Place, journey: str, region: str, *, armed: bool) -> str:
    """Start a run of one journey in one region; returns its id. `armed`: the console is.

    Raises `Refused` for a role or an arming that is missing, `SourceError` when the environment cannot be
    entered, `NotStarted` with the run's own reason.
    """
    from console.commands.probe_run import allow, start
    from console.commands.runs import ledger
    from probes.instance import arguments

    allow(place, arm=armed, how="A arms the console, for 15 minutes")
    with ledger(to_write=True) as store:
        return start(store, place, journey, arguments(place.workspace.file, [journey], [region]))


def follow_journey(run: str, journey: str, region: str) -> Iterator[Progress]:
    """What the run tells, each time that something is new; the last one has `ended`. Raises `SourceError`."""
    from console.commands.runs import ledger
    from keelwatch import runs as kernel
    from probes.follow import Followed

    where, followed = (journey, region), Followed()
    with ledger() as store:
        for glance in kernel.follow(store, run):
            for item in glance.items:
                if isinstance(item, kernel.StreamLine):
                    followed.take(item)
            verdict = glance.run.state.verdict
            over = str(verdict or "the run died before it") if glance.is_over else ""
            steps = tuple(followed.steps.get(where, ()))
            yield Progress(run, steps, followed.executions.get(where), over)


def stop_journey(run: str) -> None:
    """Tell it to stop; it takes back what it did first."""
    from keelwatch import runs as kernel

    kernel.stop(run, "x on the screen of its journey")
