"""What an experiment may name: all that its workspace has, told without asking anything that runs."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from chaos.blast import EVERYWHERE
from keelwatch.workspace.errors import KeelwatchError
from keelwatch.workspace.reader import closest
from probes.flaw import Flaw

if TYPE_CHECKING:
    from keelwatch.workspace.document import Loc
    from keelwatch.workspace.workspace import Workspace

LINK = "link"
"""What lies between the regions can be broken, and is nobody's component."""


@dataclass(frozen=True, slots=True)
class Known:
    """`objectives` and `journeys` are None where their files are wrong, which others say."""

    regions: Collection[str]
    components: Collection[str]
    objectives: Collection[str] | None
    journeys: Collection[str] | None
    verbs: Collection[str]

    def region(self, loc: Loc, name: str) -> Iterator[Flaw]:
        if name not in EVERYWHERE:
            yield from _missing(loc, "region", name, self.regions)

    def component(self, loc: Loc, name: str) -> Iterator[Flaw]:
        yield from _missing(loc, "component", name, self.components)

    def objective(self, loc: Loc, name: str) -> Iterator[Flaw]:
        yield from _missing(loc, "objective", name, self.objectives)

    def journey(self, loc: Loc, name: str) -> Iterator[Flaw]:
        yield from _missing(loc, "journey", name, self.journeys)

    def verb(self, loc: Loc, name: str) -> Iterator[Flaw]:
        if is_told(name) and name not in self.verbs:
            expected = f"a verb of the console: {', '.join(sorted(self.verbs))}"
            yield Flaw(loc, f"the verb {name!r}", expected, closest(name, self.verbs))


def known_in(workspace: Workspace, verbs: Collection[str]) -> Known:
    regions = dict.fromkeys(region for one in workspace.environments.values() for region in one.regions)
    components = [*workspace.components, LINK]
    return Known(list(regions), components, _objectives(workspace), _journeys(workspace), verbs)


def is_told(name: str) -> bool:
    """Whether it is known before variables are filled in."""
    return "${" not in name


def broken_promql(loc: Loc, query: str) -> Iterator[Flaw]:
    from slo.promql import broken

    if is_told(query) and (why := broken(query)):
        yield Flaw(loc, why, "PromQL that parses")


def _missing(loc: Loc, what: str, name: str, known: Collection[str] | None) -> Iterator[Flaw]:
    if known is not None and is_told(name) and name not in known:
        expected = (
            f"{'an' if what == 'objective' else 'a'} {what} of the workspace: {', '.join(sorted(known))}"
        )
        yield Flaw(loc, f"the {what} {name!r}", expected, closest(name, known))


def _objectives(workspace: Workspace) -> Collection[str] | None:
    from slo.load import load_folder

    try:
        return {one.name for one in load_folder(workspace.folders["slo"])}
    except KeelwatchError:
        return None


def _journeys(workspace: Workspace) -> Collection[str] | None:
    from probes.load import load_folder

    try:
        return {one.name for one in load_folder(workspace.folders["probes"])}
    except KeelwatchError:
        return None
