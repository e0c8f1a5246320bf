"""What a run of a runbook is asked to do: its recorded arguments, and the pinned text they carry."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.runs.fields import mapping, text
from keelwatch.workspace.errors import InternalError, SourceError, UsageError
from runbooks.stages import Mode

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from runbooks.load import Runbook

PINNED = "runbook.yaml"


@dataclass(frozen=True, slots=True)
class Order:
    """`text` is the runbook as it was when the run was made; `plan_sha` the plan that was looked at.
    `sandbox` names another one than the environment's, and is empty for none."""

    workspace: Path
    environment: str
    sandbox: str
    name: str
    text: str
    values: Mapping[str, str]
    mode: Mode
    plan_sha: str
    lock: str = ""

    @property
    def text_sha(self) -> str:
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def place(self) -> JsonObject:
        """What tells a verb where to find the estate."""
        place = {"workspace": str(self.workspace), "environment": self.environment}
        return place | ({"sandbox": self.sandbox} if self.sandbox else {})

    def for_plan(self, sha: str, lock: str) -> Order:
        return replace(self, plan_sha=sha, lock=lock)

    def as_args(self) -> JsonObject:
        return {
            **self.place,
            "runbook": self.name,
            "text": self.text,
            "values": dict(self.values),
            "mode": self.mode.value,
            "plan_sha": self.plan_sha,
            "lock": self.lock,
        }


def order_of(args: JsonObject) -> Order:
    """Raises `UsageError` for arguments of another version."""
    try:
        mode = Mode(text(args, "mode"))
    except ValueError:
        raise UsageError("the arguments of this run say no mode", "it was made by another version") from None
    values = {name: str(value) for name, value in mapping(args, "values").items()}
    return Order(
        workspace=Path(text(args, "workspace")),
        environment=text(args, "environment"),
        sandbox=text(args, "sandbox"),
        name=text(args, "runbook"),
        text=text(args, "text"),
        values=values,
        mode=mode,
        plan_sha=text(args, "plan_sha"),
        lock=text(args, "lock"),
    )


def pinned(order: Order, folder: Path) -> Runbook:
    """The runbook of the run in `folder`, read from a copy of the pinned text there: so that what is wrong
    with it names a file.

    Raises `InputError` when this version cannot read it, `SourceError` when the copy cannot be made.
    """
    from keelwatch.workspace.errors import InputError
    from runbooks.load import examine

    file = folder / PINNED
    try:
        file.write_text(order.text, encoding="utf-8")
    except OSError as error:
        raise SourceError(f"cannot write {file}: {error.strerror}", "free some space") from None
    written, problems = examine([file])
    if problems:
        raise InputError(problems)
    found = next((one.runbook for one in written if one.runbook.name == order.name), None)
    if found is None:
        raise InternalError(f"the pinned text of this run holds no runbook {order.name!r}")
    return found
