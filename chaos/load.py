"""From files to experiments, with every problem of every file at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from chaos.reading import Told, part, read
from keelwatch.runs.fields import mapping, text
from keelwatch.workspace.errors import InputError, Problem, UsageError, in_order
from keelwatch.workspace.spec_files import EXPERIMENTS, spec_files

if TYPE_CHECKING:
    from chaos.spec import Extension
    from keelwatch.ledger import Json, JsonObject

EXTENSION = "keelwatch"


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as Chaos Toolkit reads it; its name is that of its file."""

    file: Path
    data: JsonObject
    extension: Extension | None

    @property
    def name(self) -> str:
        return self.file.stem

    @property
    def title(self) -> str:
        return text(self.data, "title")

    @property
    def steady_state(self) -> str:
        return text(mapping(self.data, "steady-state-hypothesis"), "title")

    @property
    def own(self) -> JsonObject:
        """The extension as it is written; empty without one."""
        return next((one for _, one in extensions_of(self.data)), {})


def experiment_files(folder: Path) -> tuple[list[Path], list[Problem]]:
    return spec_files(folder, EXPERIMENTS)


def load_folder(folder: Path) -> tuple[Experiment, ...]:
    """Every experiment under `folder`, by name. Raises `InputError`, and `SourceError` when Chaos Toolkit
    cannot be asked."""
    files, problems = experiment_files(folder)
    found, wrong = examine(files)
    if problems or wrong:
        raise InputError([*problems, *wrong])
    return tuple(sorted((one for one, _ in found), key=lambda one: one.name))


def named(folder: Path, name: str) -> Experiment:
    """The one of this name under `folder`, or in the file of this path; others may be wrong. Raises
    `UsageError` when there is none, else as `load_folder`."""
    from keelwatch.workspace.reader import closest

    files = {file.stem: file for file in experiment_files(folder)[0]}
    file = Path(name) if Path(name).suffix in EXPERIMENTS else files.get(name)
    if file is None or not file.is_file():
        near = closest(name, files)
        hint = f"did you mean {near!r}?" if near else "see: keelwatch chaos list"
        raise UsageError(f"there is no experiment {name!r}", hint)
    found, problems = examine([file])
    if problems:
        raise InputError(problems)
    return found[0][0]


def examine(files: Iterable[Path]) -> tuple[list[tuple[Experiment, Told]], list[Problem]]:
    """The experiments of `files` that are right, and what is wrong with the others."""
    sound: list[tuple[Experiment, Told]] = []
    problems: list[Problem] = []
    told = read(list(files))
    for one in told:
        extension, wrong = _extension(one)
        problems += [*one.problems, *wrong]
        if one.data is not None and not one.problems and not wrong:
            sound.append((Experiment(one.file, one.data, extension), one))
    return sound, in_order([*problems, *_repeated(told)])


def extensions_of(data: JsonObject) -> Iterator[tuple[int, JsonObject]]:
    """Ours, with their places in the list."""
    found = data.get("extensions")
    for index, one in enumerate(found if isinstance(found, list) else []):
        if isinstance(one, dict) and one.get("name") == EXTENSION:
            yield index, one


def _extension(told: Told) -> tuple[Extension | None, list[Problem]]:
    from chaos.spec import Extension
    from keelwatch.workspace.reader import parse

    ours = list(extensions_of(told.data or {}))
    if not ours:
        return None, []
    if len(ours) > 1:
        return None, [told.at(("extensions", ours[1][0]), "a second extension `keelwatch`", "one of them")]
    index, _ = ours[0]
    if told.document is None:
        return None, [
            told.at((), "a file that Keelwatch cannot follow", "YAML 1.2 or JSON beside its extension")
        ]
    try:
        return parse(part(told.document, ("extensions", index)), Extension), []
    except InputError as error:
        return None, list(error.problems)


def _repeated(told: Sequence[Told]) -> Iterator[Problem]:
    first: dict[str, Path] = {}
    for one in told:
        name = one.file.stem
        if name in first:
            yield Problem(one.file, 1, 1, f"the experiment {name!r} again", f"a name not in {first[name]}")
        first.setdefault(name, one.file)


def activities(data: JsonObject) -> Iterator[tuple[tuple[str | int, ...], str, JsonObject]]:
    """Each activity that is written out: its place, the part it belongs to (`configuration`, `hypothesis`,
    `method`, `rollbacks`), and itself."""
    for key, one in mapping(data, "configuration").items():
        if isinstance(one, dict) and one.get("type") == "probe" and isinstance(one.get("provider"), dict):
            yield ("configuration", key), "configuration", one
    parts: dict[tuple[str, ...], Json] = {
        ("steady-state-hypothesis", "probes"): mapping(data, "steady-state-hypothesis").get("probes"),
        ("method",): data.get("method"),
        ("rollbacks",): data.get("rollbacks"),
    }
    for loc, found in parts.items():
        for index, one in enumerate(found if isinstance(found, list) else []):
            if isinstance(one, dict) and isinstance(one.get("provider"), dict):
                yield (*loc, index), "hypothesis" if len(loc) > 1 else loc[0], one


def referred(data: JsonObject, part: str) -> Iterator[tuple[tuple[str | int, ...], JsonObject]]:
    """The activities that `part` names by `ref`, with the places of their names there."""
    known = {text(one, "name"): one for _, _, one in activities(data)}
    found = data.get(part)
    for index, one in enumerate(found if isinstance(found, list) else []):
        if isinstance(one, dict) and one.get("ref") and text(one, "ref") in known:
            yield (part, index, "ref"), known[text(one, "ref")]


def variables_of(data: JsonObject) -> tuple[str, ...]:
    """The variables of the environment that an experiment asks for by name."""
    found: list[str] = []

    def walk(value: Json) -> None:
        if isinstance(value, dict):
            if value.get("type") == "env" and isinstance(value.get("key"), str):
                found.append(text(value, "key"))
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(data.get("configuration"))
    walk(data.get("secrets"))
    return tuple(dict.fromkeys(found))
