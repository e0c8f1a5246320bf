"""Cases of which `make test` runs a few and `make test-deep` the others."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pytest


def sampled(cases: Iterable[object], every: int) -> list[Any]:
    """Each `every`-th of `cases` from the first on is run always, the others are deep. A tuple is one case's
    values."""
    return [
        pytest.param(
            *(case if isinstance(case, tuple) else (case,)), marks=[pytest.mark.deep] if at % every else []
        )
        for at, case in enumerate(cases)
    ]
