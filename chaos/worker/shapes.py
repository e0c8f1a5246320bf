"""What must be a mapping, a list or a text in an experiment; Chaos Toolkit's checks take it for granted."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from chaos.worker.flaw import Flaw, Loc
from keelwatch.workspace.reader import shown

WORDS: Mapping[type, str] = {dict: "a mapping", list: "a list", str: "a text"}
EXPERIMENT: Mapping[str, type] = {
    "title": str,
    "description": str,
    "configuration": dict,
    "secrets": dict,
    "runtime": dict,
    "extensions": list,
    "controls": list,
    "steady-state-hypothesis": dict,
    "method": list,
    "rollbacks": list,
}
ACTIVITY: Mapping[str, type] = {
    "name": str,
    "type": str,
    "ref": str,
    "provider": dict,
    "pauses": dict,
    "controls": list,
}
STUMBLES = ("controls", "method", "probes", "rollbacks", "steady-state-hypothesis")
"""Chaos Toolkit takes every key but these without a value."""
PROVIDER: Mapping[str, type] = {"type": str, "module": str, "func": str, "path": str, "url": str}


def shapes_of(experiment: Mapping[str, object]) -> Iterator[Flaw]:
    """What is left out is for others to judge."""
    yield from _keys((), experiment, EXPERIMENT)
    hypothesis = experiment.get("steady-state-hypothesis")
    if isinstance(hypothesis, dict):
        at: Loc = ("steady-state-hypothesis",)
        yield from _keys(at, hypothesis, {"title": str, "probes": list, "controls": list})
        yield from _activities((*at, "probes"), hypothesis.get("probes"))
    for key in ("method", "rollbacks"):
        yield from _activities((key,), experiment.get(key))
    for key in ("extensions", "controls"):
        for loc, one in _items((key,), experiment.get(key)):
            yield from _shape(loc, one, dict)
    yield from _configuration(experiment.get("configuration"))


def _configuration(found: object) -> Iterator[Flaw]:
    """Any value may stand there; what a probe finds out is an activity."""
    for name, one in found.items() if isinstance(found, dict) else ():
        if isinstance(one, dict) and one.get("type") == "probe":
            yield from _activity(("configuration", name), one)


def _activities(loc: Loc, found: object) -> Iterator[Flaw]:
    for at, one in _items(loc, found):
        yield from _shape(at, one, dict)
        if isinstance(one, dict):
            yield from _activity(at, one)


def _activity(loc: Loc, one: Mapping[str, object]) -> Iterator[Flaw]:
    yield from _keys(loc, one, ACTIVITY)
    provider = one.get("provider")
    if isinstance(provider, dict):
        wanted = {**PROVIDER, "arguments": dict} if provider.get("type") == "python" else PROVIDER
        yield from _keys((*loc, "provider"), provider, wanted)
    for at, control in _items((*loc, "controls"), one.get("controls")):
        yield from _shape(at, control, dict)


def _keys(loc: Loc, found: Mapping[str, object], wanted: Mapping[str, type]) -> Iterator[Flaw]:
    for key, kind in wanted.items():
        if found.get(key) is not None or (key in found and key in STUMBLES):
            yield from _shape((*loc, key), found[key], kind)


def _items(loc: Loc, found: object) -> Iterator[tuple[Loc, object]]:
    for index, one in enumerate(found if isinstance(found, list) else []):
        yield (*loc, index), one


def _shape(loc: Loc, value: object, kind: type) -> Iterator[Flaw]:
    if not isinstance(value, kind):
        # What stands in place of secrets may be one: it is not repeated.
        yield Flaw(loc, "a value" if loc == ("secrets",) else shown(value), expected=WORDS[kind])
