"""Runbooks and estates made up for tests of pure parts."""

from __future__ import annotations

from pathlib import Path

from keelwatch.workspace.estate import Address, Cache, Database, Edge, Estate, Login
from keelwatch.workspace.secret import Secret
from runbooks.load import Runbook, Written, examine, load_folder

LIBRARY = Path(__file__).parents[2] / "runbooks" / "library"
HEAD = (
    "runbook: one\ntitle: Something is done\nowner: team\nlock: all\n"
    "inputs: {from: {type: region}, to: {type: region}, word: {type: text}}\n"
)
"""Five lines; what follows begins in the sixth."""


def library() -> dict[str, Runbook]:
    return {one.name: one for one in load_folder(LIBRARY)}


def written(folder: Path, text: str) -> Written:
    """The one runbook of this text; it must be right."""
    file = folder / "one.yaml"
    file.write_text(text)
    (found,), problems = examine([file])
    assert problems == []
    return found


def complaints(folder: Path, text: str) -> list[str]:
    """`line:column: found ..., expected ...` of each problem of this text."""
    file = folder / "one.yaml"
    file.write_text(text)
    return [str(one).removeprefix(f"{file}:") for one in examine([file])[1]]


def estate() -> Estate:
    login = Login("postgres", Secret("hunter2-of-the-estate"), Path("/"))
    return Estate(
        environment="shop",
        sandbox="",
        edge=Edge(
            Path("/run/haproxy/admin.sock"),
            "portal",
            {"west": ("west-1", "west-2"), "east": ("east-1", "east-2")},
        ),
        database=Database(
            "postgres",
            "portal",
            {"west": Address("db.west.example", 5432), "east": Address("db.east.example", 5432)},
            None,
            login,
        ),
        cache=Cache(
            None,
            {"west": Address("cache.west.example", 6379), "east": Address("cache.east.example", 6379)},
            None,
            login,
        ),
    )
