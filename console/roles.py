"""Whether who sits here may act, by the policy of an environment, or of all that a workspace names."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from console.places import Place
from keelwatch.workspace import KeelwatchError, narrate

if TYPE_CHECKING:
    from keelwatch.safety import ArmedKind

HOW_TO_ARM = "A arms the console, for 15 minutes"  # on a screen


def allow(where: Place, kind: ArmedKind, *, arm: bool, how: str = "add --arm") -> None:
    """Role and arming, before a run of `kind` is made; `how` says how to arm. Raises `Refused`."""
    from console.user import login_name
    from keelwatch.safety import DEEDS, require_armed, require_operator

    require_operator(where.environment.policy, login_name(), f"running {DEEDS[kind]}")
    require_armed(where.environment.policy, kind, where.name, armed=arm, how=how)


def require_operator_here(workspace: Path | None, environments: Iterable[str] | None, deed: str) -> None:
    """Raises `Refused` unless the login is an operator in each of `environments` that the workspace names;
    None means all that it names.

    A workspace that is broken or missing keeps nobody from mending what was left behind: it is told.
    """
    from console.user import login_name
    from keelwatch.safety import require_operator
    from keelwatch.workspace.find import find, here
    from keelwatch.workspace.workspace import load_workspace

    try:
        found = find(workspace, here())
        known = load_workspace(found).environments
    except KeelwatchError as error:
        narrate(f"roles are not asked, for the workspace cannot be read: {error.message.splitlines()[0]}")
        return
    for name in known if environments is None else known.keys() & set(environments):
        require_operator(known[name].policy, login_name(), f"{deed} in {name}")
