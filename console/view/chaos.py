"""Experiments and their runs as text and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from chaos.bounds import bounds_of
from console.view import numbers
from console.view.bounds import budget_words, guard_words, proof_words, radius_words
from console.view.last_run import NEVER
from console.view.limits import budget_sentences
from console.view.run import verdict_line, verdict_of
from keelwatch.ledger import Fact, FactKind
from keelwatch.runs import Glance, StreamLine
from keelwatch.runs.fields import mapping, text
from keelwatch.safety.budget import at_the_end
from slo.durations import spell

if TYPE_CHECKING:
    from chaos.load import Experiment
    from chaos.plan import Planned
    from chaos.story import Fault, Step, Story
    from console.output import Json
    from console.view.chaos_shelf import ExperimentRow, OpenRow
    from keelwatch.runs import RunView

WHENS = ("before", "during", "after")


def experiment_json(row: ExperimentRow, file: str, unknown: str) -> dict[str, Json]:
    """`unknown` is why its last run is not known."""
    bounds, last = row.bounds, row.last
    outcome, _, reason = last.words.partition(": ") if last is not None else ("", "", "")
    return {
        "name": row.name,
        "title": row.title,
        "file": file,
        "component": bounds.component or None,
        "guard": list(bounds.objectives) if bounds.is_guarded else None,
        "expect": bounds.expect or None,
        "last": {"run": last.run, "verdict": outcome, "reason": reason, "at": last.at} if last else None,
        "last_unknown_reason": None if last else unknown or NEVER,
    }


def open_json(one: OpenRow) -> dict[str, Json]:
    return {
        "run": one.run,
        "state": one.care,
        "what": one.words,
        "undo": one.undo,
        "since": one.since,
        "ends_itself": one.until,
        "error": one.error or None,
    }


def plan_lines(experiment: Experiment, plan: Sequence[Planned]) -> list[str]:
    """Effects and what takes them back, part by part."""
    lines = [f"{experiment.name}: {experiment.title}"]
    for part in ("configuration", "hypothesis", "method", "rollbacks"):
        steps = [one for one in plan if one.part == part]
        title = f"{part}: {experiment.steady_state}" if part == "hypothesis" else part
        lines += [title] if steps else []
        for one in steps:
            lines.append(f"  {one.name}")
            details = {"as": one.equivalent, "does": one.effect, "undo": one.undo, "REFUSED": one.trouble}
            lines += [f"    {key}: {words}" for key, words in details.items() if words]
    bounds = bounds_of(experiment.own)
    if experiment.steady_state and bounds.every_s:
        lines.append(f"asked: before the method, every {spell(bounds.every_s)} of it, and after it")
    lines += [f"guard: {words}" for words in guard_words(bounds)]
    lines.append(f"blast radius: {radius_words(bounds)}")
    lines.append(f"budget: {budget_words(bounds)}")
    return [*lines, f"proof that it reached traffic: {proof_words(bounds)}"]


def plan_json(plan: Sequence[Planned]) -> list[Json]:
    return [
        {
            "part": one.part,
            "name": one.name,
            "type": one.type,
            "equivalent": one.equivalent,
            "effect": one.effect or None,
            "undo": one.undo or None,
            "refused": one.trouble or None,
        }
        for one in plan
    ]


def glance_lines(glance: Glance) -> list[str]:
    """What is new, in sentences."""
    return [f"{numbers.clock(item.at)}  {words}" for item in glance.items if (words := _told(item))]


def _told(item: Fact | StreamLine) -> str:
    match item:
        case StreamLine(record=record):
            return str(record.get("say", ""))
        case Fact(kind=FactKind.VERDICT):
            return verdict_line(item)
    return ""


def story_lines(view: RunView, story: Story) -> list[str]:
    verdict = verdict_of(view)
    met = ", ".join(f"{when} {story.hypothesis.get(when, 'not asked')}" for when in WHENS)
    lines = [f"{story.name}: {story.title}", f"hypothesis: {met}"]
    lines += [_step_line(one) for one in story.steps]
    lines += [_fault_line(one) for one in story.faults]
    if story.reached:
        lines.append(f"reached traffic: {story.reached}")
    lines += [f"guard tripped: {one}" for one in story.trips]
    lines += budget_sentences(story.budget, is_over=view.is_over)
    end = f"{verdict}" if verdict is not None else f"{view.phase}: {story.phase or 'not begun'}"
    return [*lines, end + (f" (expected: {story.expect})" if story.expect else "")]


def _step_line(one: Step) -> str:
    took = f", {one.took_s:.1f} s" if one.took_s is not None else ""
    error = f": {one.error}" if one.error else ""
    head = f"  {one.phase:<9} {numbers.clock(one.began)}  {one.name}"
    return f"{head}: {one.state}{took}{error}  [{one.equivalent}]"


def _fault_line(one: Fault) -> str:
    if one.lasted_s is not None:
        end = f"healed by the {one.by} after {one.lasted_s:.1f} s"
    else:
        end = f"NOT HEALED: {one.error}" if one.error else "not taken back"
    return f"  {one.verb} on {one.target}: {end}"


def story_json(view: RunView, story: Story) -> dict[str, Json]:
    verdict = verdict_of(view)
    return {
        "run": view.state.id,
        "experiment": story.name,
        "title": story.title,
        "state": view.phase.value,
        "phase": story.phase or None,
        "verdict": verdict.outcome.value if verdict is not None else None,
        "reason": verdict.reason if verdict is not None else None,
        "exit": int(verdict.exit_code) if verdict is not None else None,
        "expect": story.expect or None,
        "hypothesis": {when: story.hypothesis.get(when) for when in WHENS},
        "reached": story.reached or None,
        "steps": [
            {
                "phase": one.phase,
                "name": one.name,
                "type": one.type,
                "state": one.state,
                "began": one.began,
                "took_s": one.took_s,
                "error": one.error or None,
                "equivalent": one.equivalent,
            }
            for one in story.steps
        ],
        "faults": [
            {
                "verb": one.verb,
                "target": one.target,
                "set": one.set_at,
                "healed": one.healed,
                "by": one.by or None,
                "lasted_s": one.lasted_s,
                "error": one.error or None,
            }
            for one in story.faults
        ],
        "guard": {"answers": _answers(story), "trips": list(story.trips)},
        "budget": [
            {"objective": one.objective, "region": one.region, "reserved": one.share, "spent": one.spent}
            for one in (at_the_end(story.budget) if view.is_over else story.budget)
        ],
        "load_run": story.load or None,
    }


def _answers(story: Story) -> dict[str, Json]:
    """The last one of each limit of the guard."""
    found = {name: mapping(story.guard, name) for name in story.guard}
    return {
        name: {"answer": text(one, "answer"), "evidence": text(one, "evidence")}
        for name, one in found.items()
    }
