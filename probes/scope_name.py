"""What the lease of an account is called. Alone, so that a guardian loads nothing more for it."""

from __future__ import annotations


def scope_of(environment: str, account: str) -> str:
    """What a lease of an account is called."""
    return f"{environment}/{account}"
