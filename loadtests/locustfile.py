"""What is asked of a locustfile before it runs: its text alone, for running it belongs to Locust's
process."""

from __future__ import annotations

import ast
from pathlib import Path

SHAPE = "LoadTestShape"


def has_shape(file: Path) -> bool:
    """Whether it says itself how many users there are, so that two of them would be one too many. A file
    that is no Python is said so by Locust."""
    try:
        tree = ast.parse(file.read_bytes())
    except (OSError, ValueError, SyntaxError):
        return False
    bases = [base for node in ast.walk(tree) if isinstance(node, ast.ClassDef) for base in node.bases]
    return any(_name(base) == SHAPE for base in bases)


def _name(base: ast.expr) -> str:
    match base:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""
