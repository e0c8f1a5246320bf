"""OpenID Connect: authorization code with PKCE, refresh with rotation, revocation, logout.

RFC 6749, 7636 (S256 only), 7009; OpenID Connect Core 1.0 and RP-Initiated Logout 1.0. The issuer is the
address that the client asked, so that each entrance is whole in itself.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
import time

from keelwatch.sandbox.portal.call import LONGEST_TOKEN, Call, Refusal, Reply, moved, text_of
from keelwatch.sandbox.portal.clients import REDIRECTS, redirect_of
from keelwatch.sandbox.portal.flows import Flow, Flows, Pledge
from keelwatch.sandbox.portal.id_token import ALGORITHM, IdTokens
from keelwatch.sandbox.portal.identity import Identity, bearer
from keelwatch.sandbox.portal.sessions import SESSION_SECONDS, Sessions, Tokens
from keelwatch.sandbox.service.log import Pseudonyms

SCOPES = ("openid", "profile", "email", "offline_access")
CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}")
UNKEPT = {"cache-control": "no-store"}


class Oidc:
    def __init__(
        self, flows: Flows, sessions: Sessions, identity: Identity, signer: IdTokens, names: Pseudonyms
    ) -> None:
        self._flows = flows
        self._sessions = sessions
        self._identity = identity
        self._signer = signer
        self._names = names

    async def discovery(self, call: Call) -> Reply:
        base = call.base
        return Reply(
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/oauth/authorize",
                "token_endpoint": f"{base}/oauth/token",
                "revocation_endpoint": f"{base}/oauth/revoke",
                "end_session_endpoint": f"{base}/oauth/logout",
                "userinfo_endpoint": f"{base}/oauth/userinfo",
                "jwks_uri": f"{base}/oauth/jwks",
                "response_types_supported": ["code"],
                "grant_types_supported": ["authorization_code", "refresh_token"],
                "code_challenge_methods_supported": ["S256"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "subject_types_supported": ["public"],
                "token_endpoint_auth_methods_supported": ["none"],
                "scopes_supported": list(SCOPES),
            }
        )

    async def keys(self, _call: Call) -> Reply:
        return Reply(self._signer.key_set())

    async def authorize(self, call: Call) -> Reply:
        """To the login page. An unknown client, or a redirect that is not its own, is refused (400); other
        mistakes go back to the client, as RFC 6749 has it."""
        await self._identity.strike()
        client = call.query("client_id")
        redirect = redirect_of(client, call.query("redirect_uri"))
        if redirect is None:
            raise Refusal(400, "client_id or redirect_uri is unknown")
        state = call.query("state")
        if call.query("response_type") != "code":
            return moved(redirect, error="unsupported_response_type", state=state)
        challenge = call.query("code_challenge")
        if call.query("code_challenge_method") != "S256" or not CHALLENGE.fullmatch(challenge):
            why = "PKCE with S256 is required"
            return moved(redirect, error="invalid_request", error_description=why, state=state)
        asked = call.query("scope").split()
        scope = " ".join(each for each in SCOPES if each in asked)
        return moved(
            "/login", flow=await self.begin(client, redirect, scope, state, call.query("nonce"), challenge)
        )

    async def begin(
        self, client: str, redirect: str, scope: str, state: str, nonce: str, challenge: str
    ) -> str:
        """A new login; returns its id."""
        csrf = secrets.token_urlsafe(24)
        return await self._flows.begin(Flow(client, redirect, scope, state, nonce, challenge, csrf))

    async def token(self, call: Call) -> Reply:
        """Raises `Refusal` (400) with the error's name of RFC 6749, and `ComponentFailure`."""
        await self._identity.strike()
        form = await call.fields()
        client = text_of(form, "client_id")
        if client not in REDIRECTS:
            raise Refusal(400, "invalid_client")
        now = int(time.time())
        match form.get("grant_type"):
            case "authorization_code":
                verifier = text_of(form, "code_verifier")
                redirect = redirect_of(client, text_of(form, "redirect_uri")) or ""
                tokens, nonce = await self.exchange(text_of(form, "code"), client, redirect, verifier)
            case "refresh_token":
                nonce = ""
                renewed = await self._sessions.renew(text_of(form, "refresh_token"), client, now)
                if renewed is None:
                    raise Refusal(400, "invalid_grant")
                tokens = renewed
            case _:
                raise Refusal(400, "unsupported_grant_type")
        call.segment, call.subject = tokens.grant.segment, self._names.of(tokens.grant.account)
        return self._answer(tokens, call.base, nonce, now)

    async def exchange(self, code: str, client: str, redirect: str, verifier: str) -> tuple[Tokens, str]:
        """The tokens of a code, and the login's nonce. Raises `Refusal` (400).

        A code is used up by the first attempt; a second one ends what the first was given.
        """
        pledge, first = await self._flows.redeem(code)
        if pledge is not None and not first:
            await self._sessions.end_family(pledge.grant.account, pledge.grant.family)
        if pledge is None or not first or not _fits(pledge, client, redirect, verifier):
            raise Refusal(400, "invalid_grant")
        return await self._sessions.begin(pledge.grant, int(time.time())), pledge.nonce

    def _answer(self, tokens: Tokens, issuer: str, nonce: str, now: int) -> Reply:
        grant = tokens.grant
        document = {
            "access_token": tokens.access,
            "token_type": "Bearer",
            "expires_in": SESSION_SECONDS,
            "refresh_token": tokens.refresh,
            "id_token": self._signer.of(grant, issuer, nonce, now),
            "scope": grant.scope,
        }
        return Reply(document, headers=UNKEPT)

    async def revoke(self, call: Call) -> Reply:
        """RFC 7009: 200 whether or not there was such a token."""
        await self._identity.strike()
        token = text_of(await call.fields(), "token")
        session = await self._sessions.end(token)
        grant = None if session is not None else await self._sessions.end_refresh(token)
        if (found := session or grant) is not None:
            call.segment, call.subject = found.segment, self._names.of(found.account)
            self._identity.note_logout(call)
        return Reply({}, headers=UNKEPT)

    async def logout(self, call: Call) -> Reply:
        """By the access token, else by `id_token_hint`. Raises `Refusal` (400, 401)."""
        if call.request.headers.get("authorization"):
            return await self._identity.logout(call)
        await self._identity.strike()
        hint = self._signer.named(text_of(await call.fields(), "id_token_hint", LONGEST_TOKEN))
        if hint is None:
            raise Refusal(400, "id_token_hint is not an ID token of this portal")
        await self._sessions.end_named(hint.account, hint.family)
        call.subject = self._names.of(hint.account)
        self._identity.note_logout(call)
        return Reply({})

    async def userinfo(self, call: Call) -> Reply:
        session = await self._identity.session_behind(call, bearer(call))
        return Reply({"sub": session.account, "segment": session.segment, "role": session.role})


def _fits(pledge: Pledge, client: str, redirect: str, verifier: str) -> bool:
    same = (pledge.grant.client, pledge.redirect) == (client, redirect)
    challenge = hmac.compare_digest(challenge_of(verifier).encode(), pledge.challenge.encode())
    return same and challenge and time.time() <= pledge.ends_at


def challenge_of(verifier: str) -> str:
    """RFC 7636, section 4.2: S256."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
