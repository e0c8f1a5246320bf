"""A run of a runbook as JSON. Times in Unix seconds, durations in `_s`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from console.view.columns import NARROW
from console.view.question import asked

if TYPE_CHECKING:
    from console.view.run_story import RunStory, StepStory
    from runbooks.conduct.progress import AskedWorld


def run_json(story: RunStory, now: float) -> dict[str, object]:
    """For `runbook show --json`; times in Unix seconds, durations in `_s`."""
    spent = (story.ended or now) - story.started
    found = asked(story, NARROW, now)
    return {
        "run": story.run,
        "runbook": story.runbook,
        "mode": story.mode,
        "inputs": dict(story.inputs),
        "plan": story.plan_sha or None,
        "state": story.phase.value,
        "starter": story.starter,
        "started": story.started,
        "ended": story.ended,
        "elapsed_s": spent,
        "rto_objective_s": story.pinned.rto_s,
        "steps": [_step_json(one) for one in story.steps],
        "no_return_passed": story.passed or None,
        "no_return_maybe_passed": story.maybe_passed or None,
        "ready": [_answer_json(one) for one in story.ready],
        "done_when": [_answer_json(one) for one in story.done],
        "approval": _approval_json(story),
        "question": {
            "seq": found.seq,
            "text": story.question.text if story.question else "",
            "choices": [
                {"choice": one.choice, "leads_to": one.leads_to, "wants_note": one.wants_note}
                for one in found.answers
            ],
        }
        if found
        else None,
        "stands": story.stands or None,
        "would_take_back": list(story.owed),
        "not_taken_back": list(story.left),
        "measured": dict(story.measured) or None,
        "verdict": str(story.verdict) if story.verdict else None,
        "exit": int(story.verdict.exit_code) if story.verdict else None,
    }


def _step_json(step: StepStory) -> dict[str, object]:
    doubt = step.doubt
    return {
        "step": step.name,
        "state": "in-doubt" if doubt is not None else step.state.value,
        "words": step.words or None,
        "began": step.began,
        "ended": step.ended,
        "took_s": step.took_s,
        "no_return": step.is_no_return,
        "guard_tripped": step.trips or None,
        "in_doubt": {"verb": doubt.action.verb, "target": doubt.target, "attempt": doubt.number}
        if doubt
        else None,
        "asked": [_answer_json(one) for one in step.asked],
        "notes": [{"at": one.at, "actor": one.actor, "words": one.words} for one in step.remarks],
    }


def _answer_json(one: AskedWorld) -> dict[str, object]:
    return {"at": one.at, "name": one.name, "answer": one.answer, "evidence": one.evidence}


def _approval_json(story: RunStory) -> dict[str, object] | None:
    wanted = story.approval
    if wanted is None:
        return None
    return {
        "step": wanted.step,
        "needed": wanted.needed,
        "until": wanted.until,
        "given": list(story.approvals),
        "shown": dict(wanted.shown),
        "command": f"keelwatch runbook approve {story.run}",
    }
