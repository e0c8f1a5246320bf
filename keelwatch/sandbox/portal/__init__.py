"""The self-service portal: what its workers (two per region) answer. JSON in and out.

    route        request, and the answers beside those below
    login        POST /v1/login {"account", "password"}     200 {"token", "expires_in_s"}; 401
    session      GET  /v1/session                           200 {"account", "segment", "role", "expires_in_s"}
    lookup       GET  /v1/accounts/ID  (`me`: the own one)  200 {"id", "name", "email", ..., "plan"}; 403, 404
    invoices     GET  /v1/invoices                          200 {"invoices": [...]}; 503 without billing
    plan-change  POST /v1/plan {"plan": "basic|plus|max"}   200 {"account", "plan"}; 409, 422
    logout       POST /v1/logout                            200 {}

All but login need a session: the header `Authorization: Bearer TOKEN`. It ends after 15 minutes or with
logout. A customer sees only the own account; an agent (`agent-01` .. `agent-10`) may look up any. Everybody
without a valid session gets 401. `400` is a malformed request, `503` a component that failed.

A plan change needs the header `Idempotency-Key` (1-128 visible characters). The same key and body again
gives the stored answer with the header `Idempotency-Replayed: true` and no second effect; another body
gives 422; many at once have one effect, and the others wait for its answer.

Headers a client may send: `traceparent`; `Keelwatch-Traffic: probe|load` (else counted as real);
`Keelwatch-Channel: web|app|agent` (else web). Every answer carries `traceparent` and `Keelwatch-Region`.

Not through the edge: `/metrics`, and `/healthz` (200 while the process lives).
"""
