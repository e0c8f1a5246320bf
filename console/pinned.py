"""What the text that a run carries out says beside its plan."""

from __future__ import annotations

from console.view.run_story import Pinned, Told
from keelwatch.workspace import run_dir
from runbooks.conduct.order import PINNED
from runbooks.load import examine


def pinned_of(run: str) -> Pinned | None:
    """None when it is not there yet, or this version cannot read it."""
    file = run_dir(run) / PINNED
    if not file.is_file():
        return None
    written, problems = examine([file])
    if problems or not written:
        return None
    spec = written[0].runbook.spec
    steps = {
        one.id: Told(one.why or "", one.approve is not None, one.human or "", one.evidence or "")
        for one in spec.steps
    }
    return Pinned(spec.title, spec.objectives.rto.total_seconds() if spec.objectives else None, steps)
