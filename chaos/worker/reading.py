"""What Chaos Toolkit's own loader and validators say of files, as one line of JSON for each."""

from __future__ import annotations

import importlib.util
import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict
from json import JSONDecodeError
from pathlib import Path
from typing import Any

from chaoslib.activity import ensure_activity_is_valid
from chaoslib.control import validate_controls
from chaoslib.exceptions import ChaosException
from chaoslib.extension import validate_extensions
from chaoslib.hypothesis import ensure_hypothesis_tolerance_is_valid
from chaoslib.loader import load_experiment

from chaos.worker.flaw import Flaw, Loc
from chaos.worker.shapes import shapes_of
from keelwatch.workspace.reader import closest


def read_files(files: Sequence[Path], answers: int) -> int:
    """A line for each file, in order, on the descriptor `answers`: the experiment, and what is wrong with
    it."""
    with os.fdopen(answers, "w") as out:
        for file in files:
            out.write(json.dumps(read_file(file), default=str) + "\n")
            out.flush()
    return 0


def read_file(file: Path) -> dict[str, object]:
    """`experiment` is None for a file that cannot be parsed; `flaws` have a `loc`, or a `line` and
    `column`."""
    with suppress(OSError):
        os.chdir(file.parent)  # what it names relatively is relative to it
    beside(file.parent)
    try:
        found = load_experiment(str(file))
    except Exception as error:  # noqa: BLE001 -- whatever its loader trips over is what is wrong with the file
        return {"experiment": None, "flaws": [{"words": _words(error), **_place(error)}]}
    if not isinstance(found, dict):
        return {"experiment": None, "flaws": [{"loc": [], "words": "not a mapping"}]}
    return {"experiment": found, "flaws": [asdict(one) for one in flaws_of(found)]}


def beside(folder: Path) -> None:
    """Modules that stand beside an experiment can be imported, but never in place of ours."""
    if str(folder) not in sys.path:
        sys.path.append(str(folder))


def flaws_of(experiment: dict[str, Any]) -> Iterator[Flaw]:
    """All of them, where Chaos Toolkit itself stops at the first. What only the environment can tell
    (variables, secrets) is left to the run."""
    for key in ("title", "description"):
        if not experiment.get(key):
            yield Flaw((), f"an experiment requires a {key}")
    shapes = list(shapes_of(experiment))
    yield from shapes
    for flaw in _judgements(experiment):
        if not any(_is_around(flaw.loc, one.loc) or _is_around(one.loc, flaw.loc) for one in shapes):
            yield flaw
    if not shapes:  # it walks through all of it
        yield from _judged(("controls",), lambda: validate_controls(experiment))


def _is_around(outer: Loc, inner: Loc) -> bool:
    return inner[: len(outer)] == outer


def _judgements(experiment: dict[str, Any]) -> Iterator[Flaw]:
    """Of Chaos Toolkit; it stumbles over what has another shape."""
    yield from _judged(("extensions",), lambda: validate_extensions(experiment))
    yield from _hypothesis(experiment.get("steady-state-hypothesis"))
    method = experiment.get("method")
    if not isinstance(method, list):
        yield Flaw(("method",), "the method must be a list, which may be empty")
        method = []
    rollbacks = experiment.get("rollbacks", [])
    names = {str(one.get("name")) for one in [*method, *_probes(experiment)] if isinstance(one, dict)}
    yield from _activities("method", method, names)
    yield from _activities("rollbacks", rollbacks if isinstance(rollbacks, list) else [], names)
    yield from _controls((), experiment)


def _probes(experiment: dict[str, Any]) -> list[Any]:
    hypothesis = experiment.get("steady-state-hypothesis")
    probes = hypothesis.get("probes") if isinstance(hypothesis, dict) else None
    return probes if isinstance(probes, list) else []


def _hypothesis(found: Any) -> Iterator[Flaw]:
    key = "steady-state-hypothesis"
    if found is None:
        return
    if not isinstance(found, dict):  # which its shape tells
        return
    if not found.get("title"):
        yield Flaw((key,), "a hypothesis requires a title")
    for index, probe in enumerate(_listed(found.get("probes"))):
        loc: Loc = (key, "probes", index)
        yield from _judged(loc, lambda probe=probe: ensure_activity_is_valid(probe))  # type: ignore[misc]
        if isinstance(probe, dict) and "ref" not in probe and "tolerance" not in probe:
            yield Flaw(loc, "a probe of the hypothesis requires a tolerance")
        elif isinstance(probe, dict) and "tolerance" in probe:
            tolerance = probe["tolerance"]
            place = (*loc, "tolerance")
            yield from _judged(place, lambda one=tolerance: ensure_hypothesis_tolerance_is_valid(one))  # type: ignore[misc]


def _activities(key: str, found: list[Any], names: set[str]) -> Iterator[Flaw]:
    for index, activity in enumerate(found):
        loc: Loc = (key, index)
        yield from _judged(loc, lambda activity=activity: ensure_activity_is_valid(activity))  # type: ignore[misc]
        ref = activity.get("ref") if isinstance(activity, dict) else None
        if ref and str(ref) not in names:
            yield Flaw((*loc, "ref"), f"no activity of this experiment is called {ref!r}")


def _controls(loc: Loc, value: object) -> Iterator[Flaw]:
    """At any place: Chaos Toolkit leaves a control out whose module is missing."""
    match value:
        case dict():
            for index, one in enumerate(_listed(value.get("controls"))):
                yield from _control((*loc, "controls", index), one)
            for key, inner in value.items():
                yield from _controls((*loc, key), inner)
        case list():
            for index, inner in enumerate(value):
                yield from _controls((*loc, index), inner)


def _control(loc: Loc, control: object) -> Iterator[Flaw]:
    provider = control.get("provider") if isinstance(control, dict) else None
    module = provider.get("module") if isinstance(provider, dict) else None
    if not isinstance(module, str) or "${" in module:
        return
    try:
        is_there = importlib.util.find_spec(module) is not None
    except (ImportError, ValueError):
        is_there = False
    if not is_there:
        near = closest(module, (file.stem for file in Path.cwd().glob("*.py")))
        yield Flaw((*loc, "provider", "module"), f"a control whose module {module!r} cannot be found", near)


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []


def _judged(loc: Loc, judge: Callable[[], object]) -> Iterator[Flaw]:
    try:
        judge()
    except ChaosException as error:
        yield Flaw(loc, str(error))
    except Exception as error:  # noqa: BLE001 -- its validators stumble over what is of another type than they expect
        yield Flaw(loc, f"something that Chaos Toolkit stumbles over ({type(error).__name__})")


def _words(error: BaseException) -> str:
    cause = error.__context__
    words = getattr(cause, "problem", None) or getattr(error, "msg", None) or str(error)
    return f"{type(error).__name__}: {words}"


def _place(error: BaseException) -> dict[str, int]:
    if isinstance(error, JSONDecodeError):
        return {"line": error.lineno, "column": error.colno}
    mark = getattr(error.__context__, "problem_mark", None)
    return (
        {"line": mark.line + 1, "column": mark.column + 1} if mark is not None else {"line": 1, "column": 1}
    )
