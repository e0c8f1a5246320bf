"""Runs as text: the list, and the lines a follower prints."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from console.view import numbers
from keelwatch.ledger import Fact, FactKind
from keelwatch.runs import (
    Glance,
    HealReport,
    OpenUndo,
    Phase,
    Question,
    RunView,
    StreamLine,
    Verdict,
    invalid,
)
from keelwatch.runs.heal import DIED
from keelwatch.workspace.errors import ExitCode


def listed(runs: Sequence[RunView]) -> list[str]:
    """A table of runs; the pid is shown only while there is a process."""
    if not runs:
        return ["no runs yet"]
    lines = [f"{'RUN':<40} {'STATE':<9} {'PID':>8}  {'STARTED':<10} {'VERDICT'}"]
    for run in runs:
        state = run.state
        pid = str(run.pid) if run.pid else numbers.DASH
        verdict = str(state.verdict) if state.verdict else numbers.DASH
        lines.append(f"{state.id:<40} {run.phase:<9} {pid:>8}  {numbers.clock(state.started):<10} {verdict}")
    return lines


def verdict_of(view: RunView) -> Verdict | None:
    """Of a run that died with its guardian, what whoever heals it will say; None while it goes on."""
    if view.state.verdict is not None or not view.is_over:
        return view.state.verdict
    code = ExitCode.LEFT_BEHIND if view.phase is Phase.ORPHANED else ExitCode.UNKNOWN
    return invalid(DIED).but(code)


def as_json(run: RunView) -> dict[str, str | float | int | None]:
    state = run.state
    return {
        "id": state.id,
        "kind": state.kind,
        "name": state.name,
        "state": run.phase.value,
        "pid": run.pid,
        "started": state.started,
        "actor": state.actor,
        "verdict": str(state.verdict) if state.verdict else None,
    }


def answer_lines(run: str, question: Question) -> list[str]:
    """What is asked, and the command of each answer."""
    lines = question.text.splitlines()
    for number, choice in enumerate(question.choices):
        note = " --note WHY" if choice in question.wants_note else ""
        head = "  answer it:" if number == 0 else "         or:"
        lines.append(f"{head} keelwatch attach {run} --answer {choice}{note}")
    return lines


def glance_lines(glance: Glance) -> list[str]:
    return [f"{numbers.clock(item.at)}  {told(item)}" for item in glance.items]


def told(item: Fact | StreamLine) -> str:
    if isinstance(item, StreamLine):
        said = item.record.get("say")
        return str(said) if said is not None else _sample(item)
    body = item.body
    match item.kind:
        case FactKind.INTENT:
            doing = "undo" if "undoes" in body else "do"
            return f"intent   {doing} {body.get('verb', '')} {_short(body.get('args', {}))}"
        case FactKind.RESULT:
            return f"result   {body.get('outcome', '')} {body.get('error', '')}".rstrip()
        case FactKind.VERDICT:
            return verdict_line(item)
        case FactKind.NOTE | FactKind.COMMAND | FactKind.LEASE:
            words = [str(body[key]) for key in ("question", "reason", "answer", "scope") if body.get(key)]
            return f"{item.kind.value:<8} {item.event} {' '.join(words)}".rstrip()
        case _:
            return f"{item.kind.value:<8} {_short(body)}"


def verdict_line(fact: Fact) -> str:
    return f"verdict  {fact.body.get('verdict', 'redacted')}: {fact.body.get('reason', '')}"


def _sample(line: StreamLine) -> str:
    from probes.follow import Followed, StepTold
    from probes.record import Execution
    from probes.reports.lines import execution_line, step_line

    match Followed().take(line):
        case StepTold(where=where, step=step):
            return step_line(*where, step)
        case Execution() as execution:
            return execution_line(execution)
    rest = {key: value for key, value in line.record.items() if key != "at"}
    return f"sample {_short(rest)}"


def _short(value: object) -> str:
    text = json.dumps(value, default=str) if isinstance(value, Mapping | list | tuple) else str(value)
    return text if len(text) <= 100 else text[:97] + "..."


def heal_lines(report: HealReport) -> list[str]:
    lines = [f"healed   {_undo(one, with_error=False)}" for one in report.healed]
    lines += [f"{one.state.value:<8} {_undo(one)}" for one in report.open]
    if not report.open:
        lines.append("nothing is open")
    return lines


def _undo(one: OpenUndo, *, with_error: bool = True) -> str:
    error = f"  ({one.error})" if one.error and with_error else ""
    return f"{one.run}  {one.verb} on {one.target}: undo with {undo_words(one.undo)}{error}"


def undo_words(undo: str) -> str:
    """A journey's undo in a line: `PUT /plan, proven by GET /plan (change-plan)`; another one's as it is."""
    verb, _, arguments = undo.partition(" ")
    try:
        match json.loads(arguments):
            case {
                "journey": str(journey),
                "request": {"method": str(by), "path": str(path)},
                "verify": dict(proof),
            }:
                proven = f"{str(proof.get('method')).upper()} {proof.get('path')}"
                return f"{by.upper()} {path}, proven by {proven} ({journey})"
    except ValueError:
        pass
    return f"{verb} {_short(arguments)}"


def undo_json(one: OpenUndo) -> dict[str, str]:
    return {
        "run": one.run,
        "verb": one.verb,
        "target": one.target,
        "undo": one.undo,
        "state": one.state.value,
        "error": one.error,
    }
