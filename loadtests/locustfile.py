"""What is asked of a locustfile before it runs: its text alone, for running it belongs to Locust's
process."""

from __future__ import annotations

import ast
from collections.abc import Sequence
from pathlib import Path

from keelwatch.workspace.errors import Problem

SHAPE = "LoadTestShape"
NO_USERS = "the locustfile has no users"
SHAPE_IN_OPEN = "its locustfile has a shape of its own, which would end the arrivals: use model: closed"
SHAPE_REPLACED = "its locustfile replaces the shape once it is loaded: let it have a LoadTestShape by name"
SAME_NAME = "two of its classes have one name"


def has_shape(file: Path) -> bool:
    """Whether its text shows a shape. One that it imports or hides only Locust finds: generators alone know
    which shape applies."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return False
    kinds = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef) and not _is_abstract(node)]
    return any(_name(base) == SHAPE for kind in kinds for base in kind.bases)


def several_shapes(names: Sequence[str]) -> str:
    return (
        f"its locustfile has {len(names)} shapes ({', '.join(names)}), and only one can apply: "
        "say `abstract = True` in the others, or do not import them"
    )


def flaws_in(file: Path) -> list[Problem]:
    """Where it is no Python. One that is not there is another's to tell."""
    try:
        ast.parse(file.read_bytes())
    except SyntaxError as error:
        line, column = error.lineno or 1, error.offset or 1
        return [Problem(file, line, max(1, column), error.msg, "Python")]
    except (OSError, ValueError) as error:
        return [] if isinstance(error, OSError) else [Problem(file, 1, 1, str(error), "Python")]
    return []


def _is_abstract(kind: ast.ClassDef) -> bool:
    """As Locust wants it said: in the class itself."""
    assigned = [one for one in kind.body if isinstance(one, ast.Assign)]
    return any(
        isinstance(name, ast.Name) and name.id == "abstract" and ast.unparse(one.value) == "True"
        for one in assigned
        for name in one.targets
    )


def _name(base: ast.expr) -> str:
    match base:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
