"""ID tokens (OpenID Connect Core 1.0, section 2), signed with the sandbox's own ES256 key."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from keelwatch.sandbox.portal.sessions import SESSION_SECONDS, Grant

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

ALGORITHM = "ES256"


@dataclass(frozen=True, slots=True)
class Named:
    """Whom and which family of tokens an ID token of ours names."""

    account: str
    family: str


class IdTokens:
    def __init__(self, key_file: Path) -> None:
        self._key_file = key_file

    def of(self, grant: Grant, issuer: str, nonce: str, now: int) -> str:
        """`nonce` is left out when it is empty: a refreshed token has none."""
        import jwt

        claims: dict[str, object] = {
            "iss": issuer,
            "sub": grant.account,
            "aud": grant.client,
            "iat": now,
            "exp": now + SESSION_SECONDS,
            "auth_time": grant.began_at,
            "amr": list(grant.methods),
            "sid": grant.family,
        }
        if nonce:
            claims["nonce"] = nonce
        return jwt.encode(claims, self._key, ALGORITHM, headers={"kid": self.key_id})

    def named(self, token: str) -> Named | None:
        """Whom `token` names, expired or not; None when it is not one of ours."""
        import jwt

        try:
            claims = jwt.decode(
                token,
                self._key.public_key(),
                [ALGORITHM],
                options={"verify_exp": False, "verify_aud": False},
            )
            return Named(str(claims["sub"]), str(claims["sid"]))
        except (jwt.PyJWTError, KeyError):
            return None

    def key_set(self) -> dict[str, object]:
        """RFC 7517: the public half."""
        return {"keys": [self._public | {"kid": self.key_id, "use": "sig", "alg": ALGORITHM}]}

    @cached_property
    def key_id(self) -> str:
        return hashlib.sha256(json.dumps(self._public, sort_keys=True).encode()).hexdigest()[:16]

    @cached_property
    def _public(self) -> dict[str, object]:
        from jwt.algorithms import ECAlgorithm

        found: dict[str, object] = json.loads(ECAlgorithm.to_jwk(self._key.public_key()))
        return found

    @cached_property
    def _key(self) -> EllipticCurvePrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
        from cryptography.hazmat.primitives.serialization import load_pem_private_key

        key = load_pem_private_key(self._key_file.read_bytes(), None)
        assert isinstance(key, EllipticCurvePrivateKey)
        return key
