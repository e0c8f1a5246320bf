"""Rules between the keys of `keelwatch.yaml`, which its model cannot state.

They read the plain document, not the model, so that they are told together with what the model finds
wrong. Whatever has the wrong type is passed over here: the model has named it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keelwatch.workspace.document import Document, Loc, Plain
from keelwatch.workspace.errors import Problem
from keelwatch.workspace.reader import closest, problem

ESTATE = {"edge": "servers", "database": "regions", "cache": "regions"}
READ_FOLDERS = ("slo", "probes", "runbooks")  # the built-in workspace names folders of rooms still to come


def broken_rules(document: Document) -> list[Problem]:
    return [
        *_sources(document),
        *_ways_in(document),
        *_estates(document),
        *_repeated_regions(document),
        *_dependencies(document),
        *_regions_of_components(document),
        *_folders(document),
    ]


def _sources(document: Document) -> Iterator[Problem]:
    for name, environment in _mappings(document, "environments"):
        given = [key for key in ("source", "prometheus") if environment.get(key) is not None]
        if len(given) != 1:
            found = "both" if given else "neither"
            expected = "exactly one of `source: sandbox` and `prometheus`"
            yield problem(document, ("environments", name), found=found, expected=expected)


def _ways_in(document: Document) -> Iterator[Problem]:
    for name, environment in _mappings(document, "environments"):
        prometheus = _mapping(environment.get("prometheus"))
        if prometheus.get("basic") is not None and prometheus.get("bearer") is not None:
            loc: Loc = ("environments", name, "prometheus")
            yield problem(document, loc, found="both", expected="either basic or bearer, not both")


def _estates(document: Document) -> Iterator[Problem]:
    """What runbooks act on belongs to regions of the environment, and a sandbox brings its own."""
    for name, environment in _mappings(document, "environments"):
        known = [region for _, region in _texts(environment.get("regions"))]
        for key, holder in ESTATE.items():
            part = environment.get(key)
            if part is not None and environment.get("source") == "sandbox":
                loc: Loc = ("environments", name, key)
                expected = "none: a sandbox brings its own"
                yield problem(document, loc, found=f"the key {key!r}", expected=expected, on_key=True)
            for region in _mapping(_mapping(part).get(holder)):
                if region not in known:
                    yield problem(
                        document,
                        ("environments", name, key, holder, region),
                        found=f"the region {region!r}",
                        expected="a region of the environment",
                        did_you_mean=closest(region, known),
                        on_key=True,
                    )


def _repeated_regions(document: Document) -> Iterator[Problem]:
    for part in ("environments", "components"):
        for name, holder in _mappings(document, part):
            regions = _texts(holder.get("regions"))
            for index, region in regions:
                if any(region == other for earlier, other in regions if earlier < index):
                    loc: Loc = (part, name, "regions", index)
                    found = f"the region {region!r} a second time"
                    yield problem(document, loc, found=found, expected="each region once")


def _dependencies(document: Document) -> Iterator[Problem]:
    components = dict(_mappings(document, "components"))
    known = _mapping(_mapping(document.data).get("components"))
    for name, component in components.items():
        for index, other in _texts(component.get("depends_on")):
            if other not in known:
                yield problem(
                    document,
                    ("components", name, "depends_on", index),
                    found=f"the component {other!r}",
                    expected="a component of this file",
                    did_you_mean=closest(other, known),
                )


def _regions_of_components(document: Document) -> Iterator[Problem]:
    environments = _mappings(document, "environments")
    known = {region for _, environment in environments for _, region in _texts(environment.get("regions"))}
    for name, component in _mappings(document, "components"):
        for index, region in _texts(component.get("regions")):
            if region not in known:
                yield problem(
                    document,
                    ("components", name, "regions", index),
                    found=f"the region {region!r}",
                    expected="a region of some environment",
                    did_you_mean=closest(region, known),
                )


def _folders(document: Document) -> Iterator[Problem]:
    """A folder that somebody named must be there; a default one may be missing."""
    for name, folder in _mapping(_mapping(document.data).get("specs")).items():
        if name in READ_FOLDERS and isinstance(folder, str) and not _exists(document.file.parent / folder):
            loc: Loc = ("specs", name)
            yield problem(document, loc, found=f"no folder {folder!r}", expected="a folder that exists")


def _exists(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # it is there, and cannot be looked at: whoever walks it says so
        return True


def _mappings(document: Document, part: str) -> list[tuple[str, dict[str, Plain]]]:
    found = _mapping(_mapping(document.data).get(part))
    return [(name, one) for name, one in found.items() if isinstance(one, dict)]


def _mapping(value: Plain) -> dict[str, Plain]:
    return value if isinstance(value, dict) else {}


def _texts(value: Plain) -> list[tuple[int, str]]:
    """The texts of a list, each with its index."""
    items = value if isinstance(value, list) else []
    return [(index, item) for index, item in enumerate(items) if isinstance(item, str)]
