"""The manual and the program say the same."""

from __future__ import annotations

import os
import re
from pathlib import Path

import click
import pytest

from console.catalogue import COMMANDS, GROUPS, Entry
from console.main import LazyGroup, keelwatch

ROOT = Path(__file__).parents[2]
MANUAL = ROOT / "docs" / "commands.md"
INTRODUCTION = """\
# Commands

Every command, as `--help` prints it. This page is generated (see `CONTRIBUTING.md`) and tested.

stdout is data, stderr is narration. `--json` prints one document that starts with `schema`, `at` (Unix
seconds) and `environment`; names of durations end in `_s`, ratios are 0..1, unknown is `null` with a reason.
Every command takes it but `schema`, whose output is JSON already, and `keelwatch` alone, whose twin is
`status`.

Output that could not be written (a full disk) is told on stderr and ends in 5, unless the command itself
ended worse; what it was asked to do is done. A reader that left (`| head`) changes nothing.

| code | meaning |
|---|---|
| 0 | pass, go |
| 1 | fail: an objective pages, a journey failed, the ledger is broken |
| 2 | usage |
| 3 | invalid input file |
| 4 | inconclusive, invalid or unknown |
| 5 | one of our sources is unreachable, or the output could not be written |
| 6 | refused by safety |
| 7 | stopped by operator or guard, undone |
| 8 | something is left behind: act now |
| 70 | internal error |
"""


def leaves() -> list[tuple[tuple[str, ...], Entry, click.Command]]:
    """Every command that does something: its words, its line in the catalogue, itself."""
    context = click.Context(keelwatch)
    found: list[tuple[tuple[str, ...], Entry, click.Command]] = []
    for name, entry in COMMANDS.items():
        command = keelwatch.get_command(context, name)
        assert command is not None
        if isinstance(command, LazyGroup):
            for inner, inner_entry in GROUPS[name].items():
                leaf = command.get_command(context, inner)
                assert leaf is not None
                found.append(((name, inner), inner_entry, leaf))
        else:
            found.append(((name,), entry, command))
    return found


def written_manual() -> str:
    parts = [INTRODUCTION]
    for words, _, command in [((), None, keelwatch), *leaves()]:
        name = " ".join(("keelwatch", *words))
        context = click.Context(
            command,
            info_name=name,
            help_option_names=keelwatch.context_settings["help_option_names"],
            max_content_width=100,
            terminal_width=100,
        )
        parts.append(f"## {name}\n\n```text\n{command.get_help(context)}\n```\n")
    return "\n".join(parts)


def test_every_command_is_documented_as_its_help_says() -> None:
    if os.environ.get("KEELWATCH_REWRITE"):
        MANUAL.write_text(written_manual())

    assert MANUAL.read_text() == written_manual()


@pytest.mark.parametrize(
    ("words", "entry", "command"),
    leaves(),
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_the_catalogue_says_what_the_command_says(
    words: tuple[str, ...], entry: Entry, command: click.Command
) -> None:
    assert command.name == words[-1]
    assert (command.help or "").splitlines()[0] == entry.summary


@pytest.mark.parametrize(
    "page",
    sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]),
    ids=lambda page: page.name,
)
def test_every_documented_command_exists(page: Path) -> None:
    known = {words for words, _, _ in leaves()} | {(name,) for name in COMMANDS}
    known_options = {
        words: {option for parameter in command.params for option in parameter.opts} | {"--help", "-h"}
        for words, _, command in leaves()
    }
    for line in re.findall(
        r"(?:^|[`$ (])(?:keelwatch|kw) ([a-z][^`\n#;|&]*)", page.read_text(), re.MULTILINE
    ):
        words = (
            tuple(re.findall(r"^[a-z-]+(?: [a-z-]+)?", line)[0].split()) if re.match(r"[a-z-]+", line) else ()
        )
        chosen = words if words in known else words[:1]
        if chosen not in known:
            pytest.fail(f"{page.name}: there is no `keelwatch {line}`")
        for option in re.findall(r"(?<=\s)--[a-z-]+", line):
            assert option in known_options.get(chosen, {option}), f"{page.name}: keelwatch {line}"


@pytest.mark.parametrize(
    "page", sorted(ROOT.glob("*.md")) + sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.name
)
def test_every_link_within_the_project_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", page.read_text()):
        assert (page.parent / target).exists(), target


def test_every_make_target_of_the_docs_exists() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    for page in [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")]:
        for target in re.findall(r"(?:^|`)make ([a-z-]+)", page.read_text(), re.MULTILINE):
            assert target in targets, f"{page.name}: make {target}"


def test_every_dependency_has_its_reason() -> None:
    import tomllib

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(one for group in project["optional-dependencies"].values() for one in group),
    ]
    told = (ROOT / "docs" / "dependencies.md").read_text()

    for requirement in wanted:
        name = re.split(r"[\[<>=~!]", requirement)[0]
        assert re.search(rf"^\|[^|]*\b{re.escape(name)}\b", told, re.MULTILINE), name


def test_the_lock_names_no_index_and_no_host() -> None:
    lock = (ROOT / "requirements.lock").read_text()

    assert not re.search(r"https?://|--index|--find-links|--extra-index", lock)
    assert lock.count("--hash=sha256:") > 50
