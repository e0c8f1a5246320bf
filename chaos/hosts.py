"""The hosts that an experiment may ask: those of its environment. Nothing is asked of them here."""

from __future__ import annotations

from collections.abc import Callable, Collection
from contextlib import suppress
from pathlib import Path

from keelwatch.ledger import JsonObject
from keelwatch.runs.fields import text
from keelwatch.workspace.entrance import address_of, find_entrance
from keelwatch.workspace.errors import KeelwatchError

PLACE = ("workspace", "environment", "sandbox")
"""What tells a verb where it acts: the run does, and no experiment."""

type Host = tuple[str, str, int]


def known_hosts(workspace: Path, environment: str, sandbox: str = "") -> frozenset[Host]:
    """(scheme, host, port) of the portal, its mail and its metrics, as far as they can be found now."""
    found: set[Host] = set()
    with suppress(
        KeelwatchError, ValueError
    ):  # it has no portal, or does not run: nothing of it can be asked
        entrance = find_entrance(workspace, environment, sandbox)
        found |= entrance.hosts
        if entrance.mail_api:
            found.add(address_of(entrance.mail_api))
    with suppress(KeelwatchError, ValueError):
        found.add(address_of(_metrics(workspace, environment, sandbox)))
    return frozenset(found)


def elsewhere(args: JsonObject, hosts: Callable[[], Collection[Host]]) -> str:
    """Why an act would leave its environment, whose hosts are `hosts`; empty when it stays in it."""
    if named := [key for key in PLACE if key in args]:
        return f"{named[0]} is named: an experiment acts in the environment that it is run in"
    with suppress(ValueError):
        if address_of(text(args, "url")) not in hosts():
            return f"{text(args, 'url')} is not of this environment"
    return ""


def _metrics(workspace: Path, environment: str, sandbox: str) -> str:
    from keelwatch.workspace.workspace import load_workspace
    from slo.source import find_source

    loaded = load_workspace(workspace)
    _, spec = loaded.environment(environment)
    if sandbox:
        spec = spec.model_copy(update={"sandbox": sandbox})
    return find_source(spec, loaded.root).config.url
