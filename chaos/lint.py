"""What an experiment must not name: regions, components and hosts that its workspace does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.blast import EVERYWHERE, FAULT, component_of, outside
from chaos.hosts import known_hosts
from chaos.load import Experiment, activities, examine, extensions_of
from chaos.verbs import OURS, verb_of
from keelwatch.runs.fields import mapping, text
from keelwatch.workspace.entrance import address_of
from keelwatch.workspace.errors import KeelwatchError, Problem, in_order
from keelwatch.workspace.reader import closest
from probes.flaw import Flaw

if TYPE_CHECKING:
    from chaos.spec import Extension
    from keelwatch.ledger import JsonObject
    from keelwatch.workspace.document import Loc
    from keelwatch.workspace.workspace import Workspace

LINK = "link"
"""What lies between the regions can be broken, and is nobody's component."""
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check(files: Iterable[Path], workspace: Workspace | None) -> list[Problem]:
    """Every problem of the experiments in `files`, beside the workspace that they belong to."""
    found, problems = examine(files)
    for experiment, told in found:
        flaws = flaws_of(experiment, workspace) if workspace is not None else ()
        problems += [told.at(flaw.loc, flaw.found, flaw.expected, flaw.near) for flaw in flaws]
    return in_order(problems)


def flaws_of(experiment: Experiment, workspace: Workspace) -> Iterator[Flaw]:
    regions = list(dict.fromkeys(region for one in workspace.environments.values() for region in one.regions))
    components = [*workspace.components, LINK]
    yield from _extension(experiment, workspace, regions, components)
    in_force = 0
    for loc, part, activity in activities(experiment.data):
        provider = mapping(activity, "provider")
        at = (*loc, "provider")
        if provider.get("type") == "http":
            yield from _host((*at, "url"), text(provider, "url"), workspace)
        elif text(provider, "module") == OURS and part == "method":
            verb, args = verb_of(provider)
            yield from _act((*at, "arguments"), verb, args, regions, components)
            radius = experiment.extension.blast_radius if experiment.extension is not None else None
            reason = outside(radius, verb, args, regions, in_force) if verb and not _is_open(args) else ""
            if reason:
                yield Flaw((*at, "arguments"), reason, "an act within the blast radius")
            in_force += bool(verb)


def _is_open(args: JsonObject) -> bool:
    """Whether something is only known once variables are filled in."""
    return any("${" in value for value in args.values() if isinstance(value, str))


def _act(
    loc: Loc,
    verb: str,
    args: JsonObject,
    regions: Collection[str],
    components: Collection[str],
) -> Iterator[Flaw]:
    region, component = text(args, "region"), component_of(verb, args) if verb == FAULT else ""
    if region not in EVERYWHERE and "${" not in region and region not in regions:
        yield _unknown((*loc, "region"), "region", region, regions)
    if component and "${" not in component and component not in components:
        yield _unknown((*loc, "fault"), "component", component, components)


def _extension(
    experiment: Experiment, workspace: Workspace, regions: Collection[str], components: Collection[str]
) -> Iterator[Flaw]:
    extension = experiment.extension
    if extension is None:
        return
    at: Loc = ("extensions", next(index for index, _ in extensions_of(experiment.data)))
    if extension.component is not None and extension.component not in components:
        yield _unknown((*at, "component"), "component", extension.component, components)
    radius = extension.blast_radius
    for key, known in (("components", components), ("regions", regions)):
        for index, one in enumerate((getattr(radius, key) or ()) if radius is not None else ()):
            if one not in known:
                yield _unknown((*at, "blast_radius", key, index), key[:-1], one, known)
    yield from _proof(at, extension, regions)
    yield from _guard((*at, "guard"), extension, workspace)


def _proof(at: Loc, extension: Extension, regions: Collection[str]) -> Iterator[Flaw]:
    broken = extension.breaks
    if broken is not None and broken.region not in regions:
        yield _unknown((*at, "breaks", "region"), "region", broken.region, regions)
    if broken is not None and extension.reaches is not None:
        yield Flaw((*at, "breaks"), "`breaks` beside `reaches`", "one proof", on_key=True)


def _guard(guard: Loc, extension: Extension, workspace: Workspace) -> Iterator[Flaw]:
    names = _names(workspace)
    for index, one in enumerate(extension.guard.burn_rate.objectives):
        if names[0] and one not in names[0]:
            yield _unknown((*guard, "burn_rate", "objectives", index), "objective", one, names[0])
    for index, one in enumerate(extension.guard.journeys):
        if names[1] and one not in names[1]:
            yield _unknown((*guard, "journeys", index), "journey", one, names[1])


def _names(workspace: Workspace) -> tuple[set[str], set[str]]:
    """Of objectives and journeys; none where their files are wrong, which others say."""
    from probes.load import load_folder as load_journeys
    from slo.load import load_folder as load_objectives

    try:
        objectives = {one.name for one in load_objectives(workspace.folders["slo"])}
        journeys = {one.name for one in load_journeys(workspace.folders["probes"])}
    except KeelwatchError:
        return set(), set()
    return objectives, journeys


def _host(loc: Loc, url: str, workspace: Workspace) -> Iterator[Flaw]:
    """Of no environment. One that only variables tell is judged by the run."""
    if "${" in url:
        return
    try:
        address = address_of(url)
    except ValueError:
        yield Flaw(loc, f"{url!r}", "an absolute URL of http or https")
        return
    for name, spec in workspace.environments.items():
        known = known_hosts(workspace.file, name)
        if address in known or (not known and spec.source == "sandbox" and address[1] in LOOPBACK):
            return
    yield Flaw(
        loc, f"{address[1]}:{address[2]}, a host of no environment", "one of the workspace's environments"
    )


def _unknown(loc: Loc, what: str, name: str, known: Collection[str]) -> Flaw:
    expected = f"a {what} of the workspace: {', '.join(sorted(known))}"
    return Flaw(loc, f"the {what} {name!r}", expected, closest(name, known))
