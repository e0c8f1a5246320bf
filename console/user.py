"""Who sits at the terminal, as far as this host can tell."""

from __future__ import annotations

import os
import pwd


def login_name() -> str:
    """The login name of the real uid; `uid-N` where the host knows none (a container's arbitrary uid)."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return f"uid-{os.getuid()}"
