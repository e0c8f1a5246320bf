"""A run of a runbook as text: what a follower prints."""

from __future__ import annotations

from console.view import numbers
from keelwatch.ledger import Fact, FactKind
from keelwatch.runs import Glance, StreamLine
from keelwatch.runs.fields import number, text, texts, whole
from runbooks.conduct.progress import Progress


def glance_lines(glance: Glance) -> list[str]:
    """What is new, without what only a machine reads."""
    found = ((item.at, _told(item)) for item in glance.items)
    return [f"{numbers.clock(at)}  {words}" for at, words in found if words]


def approval_lines(progress: Progress) -> list[str]:
    """What is put before whoever approves: the plan, and what else the runbook says."""
    steps = progress.plan.get("steps")
    lines = []
    for place, one in enumerate(steps if isinstance(steps, list) else [], 1):
        if isinstance(one, dict):
            lines.append(f"{place:>2} {text(one, 'step'):<18} {text(one, 'does')}")
            lines += [f"     now:  {effect}" for effect in texts(one, "effects")]
    if progress.approval is not None:
        lines += [f"{name}: {found}" for name, found in progress.approval.shown.items()]
    return [*lines, f"plan {progress.plan_sha}"]


def _told(item: Fact | StreamLine) -> str:
    if isinstance(item, StreamLine):
        said = item.record.get("say")
        return str(said) if said is not None else ""
    body = item.body
    match item.kind, item.event:
        case FactKind.NOTE, "approval-wanted":
            needed, until = whole(body, "needed"), numbers.clock(number(body, "until"))
            people = "another person's yes" if needed == 1 else f"{needed} people's yes"
            how = f"keelwatch runbook approve {item.run}"
            return f"{text(body, 'step')}: waits for {people} until {until}: {how}"
        case FactKind.NOTE, "asked-world" if text(body, "answer") != "yes":
            found = f"{text(body, 'answer')}, {text(body, 'evidence')}"
            return f"{text(body, 'at')}: {text(body, 'name')}: {found}"
        case FactKind.NOTE, "asked":
            return f"asks: {text(body, 'question')}"
        case FactKind.COMMAND, _:
            return f"{item.actor} says {item.event} {text(body, 'answer')} {text(body, 'reason')}".rstrip()
        case FactKind.APPROVAL, _:
            drill = f" as {text(body, 'as')}, for practice" if text(body, "as") else ""
            return f"{item.actor} approved {text(body, 'step')}{drill}"
        case FactKind.VERDICT, _:
            return f"{text(body, 'verdict')}: {text(body, 'reason')}"
    return ""
