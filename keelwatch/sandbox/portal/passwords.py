"""Password hashes and one-time-code secrets of the portal.

The scrypt parameters are cheap on purpose: the sandbox shows how login behaves under faults and load,
and its passwords are public. Never copy them into a real portal.
"""

from __future__ import annotations

import base64
import hashlib
import hmac

COST, BLOCK, PARALLEL = 64, 4, 1


def password_of(account: str) -> str:
    """The one rule behind every password of the sandbox."""
    return f"pw-{account}"


def totp_secret_of(account: str, key: str) -> str:
    """The base32 seed of the account's one-time codes; `key` is the sandbox's own (`pseudonym_key`)."""
    digest = hmac.new(key.encode(), f"totp:{account}".encode(), hashlib.sha256).digest()
    return base64.b32encode(digest[:20]).decode()


def hash_password(account: str, password: str) -> bytes:
    """The account's name is the salt, so that a template is the same whenever it is made."""
    salt = f"keelwatch-sandbox:{account}".encode()
    return hashlib.scrypt(password.encode(), salt=salt, n=COST, r=BLOCK, p=PARALLEL, dklen=32)


def matches(account: str, password: str, stored: str) -> bool:
    return hmac.compare_digest(hash_password(account, password).hex(), stored)
