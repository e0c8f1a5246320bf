"""Who acts, as far as one host can tell."""

from __future__ import annotations

import os
import pwd


def current_actor() -> str:
    """`uid:login (claimed)`: the uid is the kernel's word, the login name is only looked up.

    SQLite proves neither to another reader of the file, hence *claimed*; a store that authenticates
    its writers says *verified*.
    """
    return f"{os.getuid()}:{_login()} (claimed)"


def _login() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container running under a uid without an entry
        return "unnamed"
