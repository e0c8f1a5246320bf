"""How a guard says what burns, and how a face that only has its words reads the numbers back. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

_OVER = re.compile(r"^(?P<most>[\d.]+)x or more: ")
_UNDER = re.compile(r" burns most, (?P<burn>-?[\d.]+)x; under (?P<most>[\d.]+)x$")
_BURN = re.compile(r" (-?[\d.]+)x(?:, |$)")


@dataclass(frozen=True, slots=True)
class Burnt:
    """The highest burn rate there was, and the one that trips."""

    burn: float
    most: float

    @property
    def share(self) -> float:
        return self.burn / self.most


def over_words(burns: Mapping[str, float], most: float) -> str:
    """Those of `burns`, by name, that are at `most` or above."""
    over = [f"{name} {burn:.1f}x" for name, burn in burns.items() if burn >= most]
    return f"{most:g}x or more: {', '.join(over)}"


def under_words(burns: Mapping[str, float], most: float) -> str:
    """The worst of `burns`, all of which are under `most`."""
    worst = max(burns, key=lambda name: burns[name])
    return f"{worst} burns most, {burns[worst]:.1f}x; under {most:g}x"


def burnt(words: str) -> Burnt | None:
    """What `over_words` or `under_words` has said; None for anything else."""
    if found := _UNDER.search(words):
        return Burnt(float(found["burn"]), float(found["most"]))
    if found := _OVER.match(words):
        burns = [float(one) for one in _BURN.findall(words[found.end() - 1 :])]
        return Burnt(max(burns), float(found["most"])) if burns else None
    return None
