"""The values of one run's inputs: what was given, else the defaults, checked against each other. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from keelwatch.workspace.errors import UsageError
from keelwatch.workspace.reader import closest

if TYPE_CHECKING:
    from runbooks.spec import Input, RunbookSpec


def given_values(
    spec: RunbookSpec, given: Mapping[str, str], regions: Sequence[str] | None
) -> dict[str, str]:
    """`given` when each value may be meant. `regions` are the environment's; None when there is none.

    Raises `UsageError` that says what else may be given.
    """
    for name, value in given.items():
        if name not in spec.inputs:
            near = closest(name, spec.inputs)
            known = ", ".join(spec.inputs) or "it has none"
            hint = f"did you mean {near!r}?" if near else f"its inputs: {known}"
            raise UsageError(f"{spec.runbook} has no input {name!r}", hint)
        _refuse_value(name, spec.inputs[name], value, regions)
    return dict(given)


def with_defaults(spec: RunbookSpec, given: Mapping[str, str]) -> dict[str, str]:
    """`given` and the defaults of the others; an input without either is left out.

    Raises `UsageError` when two are the same that must differ.
    """
    found = {name: one.default for name, one in spec.inputs.items() if one.default is not None} | dict(given)
    values = {name: found[name] for name in spec.inputs if name in found}
    for name, one in spec.inputs.items():
        other = (one.differs_from or "$")[1:]
        if name in values and values[name] == values.get(other):
            flag = name if name not in given else other
            raise UsageError(f"{name} and {other} are both {values[name]!r}", f"give {flag} another value")
    return values


def _refuse_value(name: str, one: Input, value: str, regions: Sequence[str] | None) -> None:
    allowed = regions if one.type == "region" else one.choices if one.type == "choice" else None
    if allowed is None or value in allowed:
        return
    near = closest(value, allowed)
    hint = f"did you mean {near!r}?" if near else "there are: " + ", ".join(allowed)
    what = "region" if one.type == "region" else "choice"
    raise UsageError(f"{value!r} is no {what} for {name}", hint)
