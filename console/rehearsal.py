"""Rehearsing a runbook: the same file, in a sandbox of its own, with its run killed at boundaries of the
journal, the regions cut off from each other, and the primary dead."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.runbooks import planned, start
from keelwatch.adapters import postgres, redis, sandbox
from keelwatch.adapters.verbs import VERBS
from keelwatch.ledger import FactKind, LedgerStore, current_actor, verify
from keelwatch.runs import Attempt, Fate, Phase, RunView, answer, load, resume, view
from keelwatch.runs.mark import read_mark
from keelwatch.workspace import ExitCode, KeelwatchError, SourceError, run_dir
from keelwatch.workspace.estate import Estate, find_estate
from runbooks.conduct.follow import progress_of
from runbooks.stages import Mode

if TYPE_CHECKING:
    from console.places import Place
    from keelwatch.ledger import JsonObject

SANDBOX = "rehearsal"
HISTORY_DAYS = 0.05  # what is rehearsed does not look back
PAUSE_S = 0.003  # between looks at the journal: a boundary is over in milliseconds
CASE_S = 180.0
HUMAN = ("done", "cannot")
CUT_OFF, KILLED = "link.partition", "database.killed"
NAMES = {CUT_OFF: "regions cut off from each other", KILLED: "primary database killed"}
BOUNDARIES = (FactKind.INTENT, FactKind.RESULT)


@dataclass(frozen=True, slots=True)
class Case:
    """`kill_after` is the number of boundaries of the journal after which the run is killed; 0: it is not.
    `fault` is what is broken before it starts; then the run is ungraceful."""

    name: str
    kill_after: int = 0
    fault: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    case: Case
    flaw: str
    words: str
    took_s: float

    @property
    def passed(self) -> bool:
        return not self.flaw


@dataclass(frozen=True, slots=True)
class Stage:
    """Where it is rehearsed, and as whom approvals are given."""

    where: Place
    runbook: str
    approver: str
    store: LedgerStore

    @property
    def estate(self) -> Estate:
        return find_estate(self.where.workspace.file, self.where.name, SANDBOX)


def rehearse(stage: Stage, wanted: int | None, tell: Callable[[Outcome, int], None]) -> list[Outcome]:
    """Every case in turn, each told as it ends, with how many there are. `wanted` crash points are spread
    evenly over the journal; None is all of them. The sandbox is its own, and is gone afterwards."""
    with _own_sandbox():
        first = _case(stage, Case("undisturbed"))
        if not first.passed:
            tell(first, 1)
            return [first]
        others = cases(_boundaries(stage), wanted, _faults(stage))
        outcomes = [first]
        tell(first, len(others) + 1)
        for case in others:
            outcomes.append(_case(stage, case))
            tell(outcomes[-1], len(others) + 1)
    return outcomes


def cases(boundaries: int, wanted: int | None, faults: Sequence[str] = ()) -> list[Case]:
    """Crash points, and what makes people fail over."""
    points = list(range(1, boundaries + 1))
    if wanted is not None and wanted < boundaries:
        points = sorted({round((index + 0.5) * boundaries / wanted + 0.5) for index in range(wanted)})
    found = [Case(f"killed after boundary {point} of {boundaries}", point) for point in points]
    return found + [Case(NAMES[fault], fault=fault) for fault in faults]


def record(stage: Stage, outcomes: Sequence[Outcome], text_sha: str) -> None:
    """As a fact: what makes a rehearsal's age known."""
    payload: JsonObject = {
        "event": "rehearsed",
        "runbook": stage.runbook,
        "text_sha": text_sha,
        "passes": sum(one.passed for one in outcomes),
        "of": len(outcomes),
        "flaws": [f"{one.case.name}: {one.flaw}" for one in outcomes if one.flaw],
    }
    stage.store.append("", FactKind.NOTE, payload, actor=current_actor())


@contextmanager
def _own_sandbox() -> Iterator[None]:
    from keelwatch.sandbox import lifecycle

    lifecycle.down(SANDBOX)
    lifecycle.up(SANDBOX, lifecycle.Options(history_days=HISTORY_DAYS))
    try:
        yield
    finally:
        lifecycle.down(SANDBOX)


def _case(stage: Stage, case: Case) -> Outcome:
    began = time.monotonic()
    flaw, words = "", ""
    flags = sandbox.status(SANDBOX).flags
    try:
        words = _act(stage, case)
    except KeelwatchError as error:
        flaw = error.message
    finally:
        if case.fault:
            sandbox.clear_faults(name=SANDBOX)
    try:
        _put_right(stage)
        for flag, values in flags.items():
            sandbox.set_flag(flag, values, name=SANDBOX)
    except KeelwatchError as error:
        flaw = flaw or f"afterwards: {error.message}"
    return Outcome(case, flaw, words, time.monotonic() - began)


def _act(stage: Stage, case: Case) -> str:
    """One run from its start to its end. Raises `SourceError` for what must not be."""
    inputs = _inputs(stage)
    mode = Mode.UNGRACEFUL if case.fault else Mode.GRACEFUL
    timeline = _timeline(stage)
    if case.fault:
        region = "all" if case.fault.startswith("link.") else _primary(stage)
        sandbox.set_fault(case.fault, "on", region=region, for_s=CASE_S, name=SANDBOX)
    order, plan = planned(stage.where, stage.runbook, inputs, mode, SANDBOX)
    run = start(stage.store, order, plan)
    try:
        found = _to_its_end(stage, run, case)
    except KeelwatchError:
        _end(stage, run)
        raise
    verdict = found.state.verdict
    allowed = [ExitCode.PASS, *([ExitCode.LEFT_BEHIND] if case.fault else [])]  # a dead region is left
    if verdict is None or str(verdict.outcome) != "pass" or verdict.exit_code not in allowed:
        raise SourceError(f"run {run} ended otherwise: {verdict or found.phase}")
    _require_sound(stage, run, timeline, lossless=not case.fault)
    return f"{verdict.reason} (run {run})"


def _to_its_end(stage: Stage, run: str, case: Case) -> RunView:
    """Kill it where the case says, resume it, and say what people say."""
    end = time.monotonic() + CASE_S
    kill_after = case.kill_after
    while time.monotonic() < end:
        if kill_after and _boundaries_of(stage, run) >= kill_after:
            _kill(stage, run, kill_after)
            kill_after = 0
        now = view(stage.store, run)
        if now.phase is Phase.ENDED and kill_after:
            raise SourceError(f"run {run} ended before boundary {kill_after}: it was not disturbed")
        if now.phase is Phase.ENDED:
            return now
        if now.phase is Phase.ORPHANED and not kill_after:
            resume(stage.store, run)
        elif not _approve(stage, run):
            _answer(stage, now, case)
            time.sleep(PAUSE_S if kill_after else PAUSE_S * 10)
    raise SourceError(f"run {run} did not end within {CASE_S:g} s")


def _end(stage: Stage, run: str) -> None:
    """What failed must not keep the next case from beginning. It fails for its own reason, not for this."""
    from console.runbooks import abort

    end = time.monotonic() + CASE_S
    with suppress(KeelwatchError):
        if view(stage.store, run).phase is not Phase.ENDED:
            abort(stage.store, run, "its rehearsal has failed")
        while view(stage.store, run).phase is not Phase.ENDED and time.monotonic() < end:
            time.sleep(PAUSE_S * 10)


def _kill(stage: Stage, run: str, boundary: int) -> None:
    """Raises `SourceError` when that disturbs nobody: a case that then passes would prove nothing."""
    mark = read_mark(run_dir(run) / "process.json")
    if mark is None or not mark.kill():
        raise SourceError(f"run {run} had no process to kill at boundary {boundary}")
    if view(stage.store, run).phase is Phase.ENDED:  # its process was on the way out
        raise SourceError(f"run {run} had ended when it was killed at boundary {boundary}")


def _approve(stage: Stage, run: str) -> bool:
    from console.runbooks import approve

    _, progress = progress_of(stage.store, run)
    if progress.approval is None or any(stage.store.after(0, run=run, kinds=(FactKind.APPROVAL,))):
        return False
    approve(stage.store, stage.where, run, drill_as=stage.approver)
    return True


def _answer(stage: Stage, now: RunView, case: Case) -> None:
    """Only what the case brings about is answered: a region that is dead is gone on without."""
    question = now.state.question
    if question is None or now.pid is None:  # a run that died asking asks anew
        return
    if case.fault and "may still take writes" in question.text:
        answer(stage.store, now.state.id, "skip", f"rehearsed: {case.name}")
        return
    if question.choices == HUMAN:
        answer(stage.store, now.state.id, HUMAN[0], "rehearsed")
        return
    raise SourceError(f"it asks: {question.text}")


def _require_sound(stage: Stage, run: str, timeline: int, *, lossless: bool) -> None:
    """One writable primary, promoted at most once; nothing lost where nothing may be; the chain is whole."""
    promoted = sum(
        one.action.verb == "pg.promote" and one.fate is Fate.DONE for one in load(stage.store, run).effects
    )
    risen = _timeline(stage) - timeline
    if risen != promoted or promoted > 1:
        raise SourceError(f"the database was promoted {risen} times, and {promoted} are on record")
    writable = _writable(stage)
    if len(writable) != 1:
        raise SourceError(f"{len(writable)} regions take writes: {', '.join(writable) or 'none'}")
    _, progress = progress_of(stage.store, run)
    if lossless:
        require_no_loss(progress.measured)
    flaw = verify(stage.store).flaw
    if flaw is not None:
        raise SourceError(f"the ledger's chain is broken: {flaw}")


def require_no_loss(measured: JsonObject) -> None:
    """Raises `SourceError`; also where nobody can tell."""
    lost = measured.get("lost_writes")
    if lost is None:
        raise SourceError(f"nobody can tell what is lost: {measured.get('rpo_unknown_reason')}")
    if lost:
        raise SourceError(f"{lost} acknowledged writes are lost")


def _standings(stage: Stage) -> Mapping[str, postgres.Standing]:
    database = stage.estate.the_database()
    found = postgres.ask_all(database, database.regions)
    return {region: one for region, one in found.items() if isinstance(one, postgres.Standing)}


def _writable(stage: Stage) -> list[str]:
    found = _standings(stage)
    return [region for region, one in found.items() if not one.is_standby and not one.is_fenced]


def _primary(stage: Stage) -> str:
    (region, *_) = _writable(stage) or [""]
    return region


def _timeline(stage: Stage) -> int:
    return max((one.timeline for one in _standings(stage).values()), default=0)


def _inputs(stage: Stage) -> dict[str, str]:
    """From where the primary is, to elsewhere; what is to rejoin is not the primary. A runbook with other
    inputs gets its defaults."""
    from console.runbooks import named

    spec = named(stage.where.workspace, stage.runbook).spec
    primary = _primary(stage)
    other = next(one for one in stage.where.environment.regions if one != primary)
    if {"from", "to"} <= spec.inputs.keys():
        return {"from": primary, "to": other}
    rejoins = any(step.pg_rejoin is not None for step in spec.steps)
    if rejoins and {"region", "other"} <= spec.inputs.keys():
        return {"region": other, "other": primary}
    return {}


def _faults(stage: Stage) -> list[str]:
    """What a runbook is for that promotes a database: a primary that died; and, when it moves customers as
    well, a region that was cut off."""
    from console.runbooks import named

    steps = named(stage.where.workspace, stage.runbook).spec.steps
    if not any(step.pg_promote is not None for step in steps):
        return []
    leads_away = any(step.edge_weight is not None or step.edge_drain is not None for step in steps)
    return [CUT_OFF, KILLED] if leads_away else [KILLED]


def _boundaries(stage: Stage) -> int:
    """How many the undisturbed run had: the newest one."""
    runs = sorted(stage.store.runs_with(FactKind.INTENT))
    newest = next(run for run in reversed(runs) if "-runbook-" in run)
    return _boundaries_of(stage, newest)


def _boundaries_of(stage: Stage, run: str) -> int:
    return len(list(stage.store.after(0, run=run, kinds=BOUNDARIES)))


def _put_right(stage: Stage) -> None:
    """As for the next case: both primaries in one region, replicas follow, customers shared out evenly."""
    regions, home = stage.where.environment.regions, _primary(stage)
    away = [one for one in regions if one != home]
    _follow("database", away)
    if redis.replication_of(stage.estate.the_cache(), home).is_replica:
        _do(stage, "redis.promote", {"region": home, "mode": Mode.UNGRACEFUL})
    _follow("cache", away)
    for region in regions:
        _do(stage, "edge.ready", {"region": region})
    _do(stage, "edge.weight", {"weights": dict.fromkeys(regions, 100)})


def _follow(component: str, regions: Sequence[str]) -> None:
    for region in regions:
        sandbox.rejoin(component, region, name=SANDBOX)


def _do(stage: Stage, verb: str, args: JsonObject) -> None:
    """Outside of any run: between two of them nobody else acts on this sandbox."""
    place = {
        "workspace": str(stage.where.workspace.file),
        "environment": stage.where.name,
        "sandbox": SANDBOX,
    }
    full: JsonObject = {**place, **args}
    before = VERBS[verb].plan(full).before
    VERBS[verb].do(full, Attempt(f"rehearsal/{verb}", 1, 0, before))
