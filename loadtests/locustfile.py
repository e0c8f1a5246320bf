"""What is asked of a locustfile before it runs: its text alone, for running it belongs to Locust's
process."""

from __future__ import annotations

import ast
from pathlib import Path

from keelwatch.workspace.errors import Problem

SHAPE = "LoadTestShape"
NO_USERS = "the locustfile has no users"
SHAPE_IN_OPEN = "its locustfile has a shape of its own, which would end the arrivals: use model: closed"


def has_shape(file: Path) -> bool:
    """Whether it says itself how many users there are, so that two of them would be one too many."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return False
    bases = [base for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]
    return any(_name(base) == SHAPE for base in bases)


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


def _name(base: ast.expr) -> str:
    match base:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
