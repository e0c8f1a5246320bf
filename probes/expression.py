"""A user's regular expression over what a portal sent.

One that a text drives mad is stopped. Until then it holds up its own step and, called in a thread, no
other: it lets go of the interpreter.
"""

from __future__ import annotations

import re

from keelwatch.workspace.errors import UsageError

SEARCHED = 256_000  # characters; more is not looked at
LONGEST_S = 1.0


class TooSlow(UsageError):
    """An expression that was stopped."""


def find(expression: str, text: str) -> tuple[str | None, ...] | None:
    """The first match in the first `SEARCHED` characters, and its groups, None where they took no part.

    Raises `TooSlow`, and `re.error` for what is no expression.
    """
    import regex  # type: ignore[import-untyped]  # it has no types of its own

    re.compile(expression)  # the language is Python's; `regex` knows more, and is here for its clock
    try:
        found = regex.search(expression, text[:SEARCHED], timeout=LONGEST_S, concurrent=True)
    except TimeoutError:
        raise TooSlow(
            f"the expression /{expression}/ took longer than {LONGEST_S:g} s",
            "repeat no group that repeats itself: a+b in place of (a+)+b",
        ) from None
    except regex.error as error:
        raise re.error(str(error)) from None
    return None if found is None else (found[0], *found.groups())
