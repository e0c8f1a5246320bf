"""What an experiment must not name: whatever its workspace does not have."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.blast import outside
from chaos.hosts import known_hosts
from chaos.known import broken_promql, is_told, known_in
from chaos.lint_calls import call_flaws
from chaos.load import Experiment, activities, examine, extensions_of, referred
from chaos.mending import breaks_anew
from chaos.verbs import BEFORE, OURS, acts_early, verb_of
from keelwatch.adapters.verbs import MODULES
from keelwatch.runs.fields import mapping, text
from keelwatch.workspace.entrance import address_of
from keelwatch.workspace.errors import Problem, in_order
from probes.flaw import Flaw

if TYPE_CHECKING:
    from chaos.known import Known
    from chaos.spec import Extension
    from keelwatch.ledger import JsonObject
    from keelwatch.workspace.document import Loc
    from keelwatch.workspace.workspace import Workspace

LOOPBACK = ("127.0.0.1", "localhost", "::1")


def check(
    files: Iterable[Path], workspace: Workspace | None, verbs: Collection[str] = tuple(MODULES)
) -> list[Problem]:
    """Every problem of the experiments in `files`, beside the workspace that they belong to; `verbs` are all
    that there are."""
    found, problems = examine(files)
    known = known_in(workspace, verbs) if workspace is not None and found else None
    for experiment, told in found:
        if workspace is not None and known is not None:
            flaws = flaws_of(experiment, workspace, known)
            problems += [told.at(flaw.loc, flaw.found, flaw.expected, flaw.near) for flaw in flaws]
    return in_order(problems)


def flaws_of(experiment: Experiment, workspace: Workspace, known: Known) -> Iterator[Flaw]:
    yield from _extension(experiment, known)
    in_force = 0
    for loc, part, activity in activities(experiment.data):
        provider = mapping(activity, "provider")
        at = (*loc, "provider")
        if provider.get("type") == "http":
            yield from _host((*at, "url"), text(provider, "url"), workspace)
            continue
        yield from call_flaws(at, provider, known)
        if (url := called(provider)) is not None:
            yield from _host((*at, "arguments", "arguments", "url"), url, workspace)
        verb, args = verb_of(provider)
        if reason := acts_early(part, verb):
            yield Flaw((*at, "func"), reason, "a probe, which asks only")
        if text(provider, "module") == OURS and part not in BEFORE:
            radius = experiment.extension.blast_radius if experiment.extension is not None else None
            counted = 0 if part == "rollbacks" else in_force
            reason = outside(radius, verb, args, list(known.regions), counted) if verb else ""
            if reason and not _is_open(args):
                yield Flaw((*at, "arguments"), reason, "an act within the blast radius")
            in_force += bool(verb)
            if part == "rollbacks":
                yield from _mending((*at, "arguments"), verb)
    for loc, activity in referred(experiment.data, "rollbacks"):
        yield from _mending(loc, verb_of(mapping(activity, "provider"))[0])


def _mending(loc: Loc, verb: str) -> Iterator[Flaw]:
    if reason := breaks_anew(verb):
        yield Flaw(loc, reason, "an act that mends")


def called(provider: JsonObject) -> str | None:
    """The whole URL that an act of ours would call; a path leads to the portal."""
    url = text(verb_of(provider)[1], "url")
    return url if url and not url.startswith("/") else None


def _is_open(args: JsonObject) -> bool:
    """Whether something is only known once variables are filled in."""
    return not all(is_told(value) for value in args.values() if isinstance(value, str))


def _extension(experiment: Experiment, known: Known) -> Iterator[Flaw]:
    extension = experiment.extension
    if extension is None:
        return
    at: Loc = ("extensions", next(index for index, _ in extensions_of(experiment.data)))
    if extension.component is not None:
        yield from known.component((*at, "component"), extension.component)
    radius = extension.blast_radius
    for index, one in enumerate((radius.components if radius is not None else None) or ()):
        yield from known.component((*at, "blast_radius", "components", index), one)
    for index, one in enumerate((radius.regions if radius is not None else None) or ()):
        yield from known.region((*at, "blast_radius", "regions", index), one)
    yield from _proof(at, extension, known)
    yield from _guard((*at, "guard"), extension, known)


def _proof(at: Loc, extension: Extension, known: Known) -> Iterator[Flaw]:
    broken = extension.breaks
    if broken is not None:
        yield from known.journey((*at, "breaks", "journey"), broken.journey)
        yield from known.region((*at, "breaks", "region"), broken.region)
    if extension.reaches is not None:
        yield from broken_promql((*at, "reaches"), extension.reaches)
    if broken is not None and extension.reaches is not None:
        yield Flaw((*at, "breaks"), "`breaks` beside `reaches`", "one proof", on_key=True)


def _guard(guard: Loc, extension: Extension, known: Known) -> Iterator[Flaw]:
    for index, one in enumerate(extension.guard.burn_rate.objectives):
        yield from known.objective((*guard, "burn_rate", "objectives", index), one)
    for index, one in enumerate(extension.guard.journeys):
        yield from known.journey((*guard, "journeys", index), one)
    if extension.guard.promql_false is not None:
        yield from broken_promql((*guard, "promql_false"), extension.guard.promql_false)


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
