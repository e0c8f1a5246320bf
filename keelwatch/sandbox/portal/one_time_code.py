"""One-time codes (TOTP, RFC 6238): each is accepted once, whichever worker of whichever region is asked."""

from __future__ import annotations

import hmac

from keelwatch.sandbox.portal.store import Store

STEP_SECONDS = 30
SKEW_STEPS = (0, -1, 1)  # a customer's clock may be off, and typing takes time
REMEMBERED_SECONDS = STEP_SECONDS * (len(SKEW_STEPS) + 2)


class OneTimeCodes:
    def __init__(self, store: Store) -> None:
        self._store = store

    async def accepts(self, account: str, secret: str, code: str, now: float) -> bool:
        """Whether `code` is right and was not used before; it is used then. Raises `ComponentFailure`."""
        step = step_of(secret, code, now)
        if step is None:
            return False
        return await self._store.claim(f"totp:{account}:{step}", seconds=REMEMBERED_SECONDS)


def step_of(secret: str, code: str, now: float) -> int | None:
    """The time step near `now` (Unix s) whose code this is."""
    import pyotp

    totp = pyotp.TOTP(secret, interval=STEP_SECONDS)
    current = int(now // STEP_SECONDS)
    for skew in SKEW_STEPS:
        wanted = totp.at((current + skew) * STEP_SECONDS)
        if hmac.compare_digest(wanted.encode(), code.strip().encode()):
            return current + skew
    return None
