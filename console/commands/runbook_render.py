"""`keelwatch runbook render`: a runbook for those who have no console: on a wiki, or on paper."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from console.options import in_environment, with_inputs
from console.output import emit_json
from console.places import Place
from console.runbooks import named
from keelwatch.workspace import KeelwatchError, SystemClock, write_out

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from keelwatch.workspace.workspace import Workspace
    from runbooks.by_hand import Sight
    from runbooks.load import Runbook


@click.command("render")
@click.argument("name")
@in_environment
@click.option(
    "--markdown", "form", flag_value="markdown", default=True, help="A page of a wiki (the default)."
)
@click.option(
    "--paper", "form", flag_value="paper", help="Plain text with commands, hosts and blanks to fill in."
)
@with_inputs
@click.option("--json", "json_wanted", is_flag=True, help="Print one JSON document that holds the text.")
def render(
    name: str,
    workspace: Path | None,
    environment: str | None,
    form: str,
    inputs: dict[str, str],
    *,
    json_wanted: bool,
) -> None:
    """Print a runbook as a page of a wiki, or on paper.

    On paper inputs have their values, or else their defaults, and hosts come from the environment. What
    cannot be resolved is said at its top, and the copy is made all the same. Nothing is run.
    """
    from runbooks.choose import given_values, with_defaults
    from runbooks.render import markdown

    around = _workspace(workspace)
    where = _environment(around, environment)
    runbook = named(around, name)
    given = given_values(runbook.spec, inputs, where.environment.regions if where else None)
    if form == "paper":
        text = _paper(runbook, _sight(where, with_defaults(runbook.spec, given)))
    else:
        text = markdown(runbook.spec, given)
    if json_wanted:
        body = {"runbook": runbook.name, "form": form, "text": text}
        emit_json("runbook-render", where.name if where else None, SystemClock().now(), body)
    else:
        write_out(text.rstrip("\n"))


def _workspace(given: Path | None) -> Workspace:
    from keelwatch.workspace.find import find, here
    from keelwatch.workspace.workspace import load_workspace

    return load_workspace(find(given, here()))


def _environment(around: Workspace, name: str | None) -> Place | None:
    """Without a name the only one; where there are several, none: a copy is made all the same."""
    if name is None and len(around.environments) != 1:
        return None
    return Place(around, *around.environment(name))


def _sight(where: Place | None, values: Mapping[str, str]) -> Sight:
    """What is known now of the places that the runbook speaks of. Never raises for what is not there."""
    from keelwatch.workspace.entrance import entrance_of
    from keelwatch.workspace.estate import estate_of
    from runbooks.by_hand import Sight

    if where is None:
        return Sight(values=values)
    asked = (where.name, where.environment, where.workspace.root)
    reasons: list[str] = []
    estate = _or_reason(lambda: estate_of(*asked), reasons)
    entrance = _or_reason(lambda: entrance_of(*asked), reasons)
    return Sight(where.name, values, estate, entrance, reasons[0] if reasons else "")


def _or_reason[Found](look: Callable[[], Found], reasons: list[str]) -> Found | None:
    try:
        return look()
    except KeelwatchError as error:
        reasons.append(f"{error.message} (try: {error.hint})" if error.hint else error.message)
        return None


def _paper(runbook: Runbook, sight: Sight) -> str:
    import hashlib

    from keelwatch.workspace.clock import utc
    from runbooks.paper import Imprint, paper

    sha = hashlib.sha256(runbook.file.read_bytes()).hexdigest()
    return paper(runbook.spec, sight, Imprint(str(runbook.file), sha, utc(SystemClock().now())))
