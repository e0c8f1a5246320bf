"""The secret of a whole test run: used wherever a secret can be, searched for in all that was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from keelwatch.workspace.sink import encoded_forms

SENTINEL = "Sentinel/9f8e+7d6c?of=the&run"
VARIABLE = "KEELWATCH_TEST_SENTINEL"
KEPT_ON_PURPOSE = "secrets-of-a-test"  # a folder of this name holds what a test itself wrote down


def leaks_in(text: str) -> list[str]:
    """The forms of the sentinel that `text` shows."""
    return [form for form in encoded_forms(SENTINEL) if form in text]


def leaks_under(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file below `folder`, whatever it is, that shows a form of the sentinel."""
    forms = [form.encode() for form in encoded_forms(SENTINEL)]
    for path in folder.rglob("*"):
        if KEPT_ON_PURPOSE in path.parts or not path.is_file() or path.is_symlink():
            continue
        try:
            data = path.read_bytes()
        except OSError:
            continue
        yield from ((path, form.decode()) for form in forms if form in data)
