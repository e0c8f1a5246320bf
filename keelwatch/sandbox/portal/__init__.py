"""The self-service portal: what its workers (two per region) answer.

Version 1, the legacy, JSON in and out; every answer carries `Deprecation` and `Sunset`:

    login        POST /v1/login {"account", "password", "otp"}   200 {"token", "expires_in_s"}; 401
    session      GET  /v1/session                           200 {"account", "segment", "role", "expires_in_s"}
    lookup       GET  /v1/accounts/ID  (`me`: the own one)  200 {"id", "name", "email", ..., "plan"}; 403, 404
    invoices     GET  /v1/invoices                          200 {"invoices": [...]}; 503 without billing
    plan-change  POST /v1/plan {"plan": "basic|plus|max"}   200 {"account", "plan"}; 409, 422
    logout       POST /v1/logout                            200 {}

Version 2 beside it:

    GET    /v2/session                       as in version 1, and "methods": ["pwd", "otp"]
    GET    /v2/accounts/ID                   as in version 1
    GET    /v2/invoices?limit=               {"items": [{"id", "month", "amount", "state"}], "next": null}
    GET    /v2/plan                          {"plan", "changed_at"}
    PUT    /v2/plan {"plan"}                 200 {"plan", "change"}; 400, 409, 422
    GET    /v2/audit?action=&trace=&key=&limit=   {"entries": [...]}: the own ones, the newest first
    GET    /v2/crm/me                        {"plan", "state", "event", "seen_at"}: what the CRM has learnt
    POST   /v2/recovery {"account"}          202 {"status": "accepted"} for everybody; a mail for some
    POST   /v2/recovery/complete {"token", "password"}           200; 400
    POST   /v2/registrations {"email", "password", "name"}       202 {"status": "accepted"}; a mail
    POST   /v2/registrations/confirm {"token"}                   201 {"account"}; 400, 409
    DELETE /v2/accounts/me                   202 {"status": "closed"}

OpenID Connect (`oidc`, `login_pages`): /.well-known/openid-configuration, /oauth/authorize, /login,
/login/totp, /oauth/token, /oauth/revoke, /oauth/userinfo, /oauth/jwks, /oauth/logout. Pages (`pages`): /,
/callback, /overview, /invoices, /plan, /logout, /recover, /register/confirm. Redirects never name a host.

Whoever needs a session sends `Authorization: Bearer TOKEN`: that of a login of version 1, or an access token,
for both versions alike. It ends after 15 minutes or with logout. A customer sees only the own account; an
agent (`agent-01` .. `agent-10`) may look up any. Everybody without a valid session gets 401. `400` is a
malformed request, `503` a component that failed.

A plan change needs the header `Idempotency-Key` (1-128 visible characters). The same key and body again
gives the stored answer with the header `Idempotency-Replayed: true` and no second effect; another body
gives 422; many at once have one effect, and the others wait for its answer.

Headers a client may send: `traceparent`; `Keelwatch-Traffic: probe|load` (else counted as real);
`Keelwatch-Channel: web|app|agent` (else web). Every answer carries `traceparent` and `Keelwatch-Region`.

Switches (`closing`) close some of it: under `maintenance` pages and changes answer 503 with `Retry-After`;
without `self-registration`, /v2/registrations answers 403.

Not through the edge: `/metrics`, and `/healthz` (200 while the process lives).
"""
