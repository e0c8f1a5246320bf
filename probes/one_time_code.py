"""One-time codes (TOTP, RFC 6238): which to send, and when. A verifier accepts a code once, so the time
step that an account used last is kept on disk, for every process to see."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.paths import state_dir

if TYPE_CHECKING:
    from keelwatch.workspace.secret import Secret

STEP_S = 30
MIN_REMAINING_S = 3.0
MOST_AHEAD = 10  # steps; a last one further ahead was written when our clock was wrong


@dataclass(frozen=True, slots=True)
class Turn:
    """The time step whose code may be sent, and how long to wait before it begins."""

    step: int
    wait_s: float


def next_turn(now: float, last_used: int, spare_s: float = MIN_REMAINING_S) -> Turn:
    """The first step after `last_used` with at least `spare_s` left; `now` is Unix s."""
    current = int(now // STEP_S)
    ends_in = (current + 1) * STEP_S - now
    step = current if ends_in >= spare_s else current + 1
    if last_used <= current + MOST_AHEAD:
        step = max(step, last_used + 1)
    return Turn(step, max(0.0, step * STEP_S - now))


def code_of(secret: Secret, step: int) -> str:
    """Six digits. Raises `SourceError` when `secret` is not base32."""
    import pyotp

    try:
        return pyotp.TOTP(secret.reveal(), interval=STEP_S).at(step * STEP_S)
    except ValueError:
        raise SourceError(
            "the TOTP secret of the account is not base32", "A-Z and 2-7, as shown once"
        ) from None


class LastSteps:
    """Which step each account of an environment used last."""

    def __init__(self, environment: str) -> None:
        self._folder = state_dir() / "probes" / quote(environment, safe="") / "codes"

    def of(self, account: str) -> int:
        """0 when none is known."""
        try:
            return int(self._file(account).read_text())
        except (OSError, ValueError):
            return 0

    def use(self, account: str, step: int) -> None:
        """Call it before the code is sent: a kill in between then costs a wait, never a refused login.

        Raises `SourceError` when it cannot be written down.
        """
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._file(account).write_text(str(step))
        except OSError as error:
            raise SourceError(
                f"cannot write down which one-time code was used: {error.strerror}", "free some space"
            ) from None

    def _file(self, account: str) -> Path:
        return self._folder / quote(account, safe="")
