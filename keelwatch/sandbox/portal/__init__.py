"""The self-service portal: what its workers (two per region) answer. JSON in and out.

    route        request                                              session  answers
    login        POST /v1/login {"account", "password"}                        200 {"token", "expires_in_s"}; 401
    session      GET  /v1/session                                     yes      200 {"account", "segment", "role", "expires_in_s"}
    lookup       GET  /v1/accounts/ID  (or `me`)                      yes      200 {"id", "name", ..., "plan"}; 403, 404
    invoices     GET  /v1/invoices                                    yes      200 {"invoices": [...]}; 503 without billing
    plan-change  POST /v1/plan {"plan": "basic|plus|max"}             yes      200 {"account", "plan"}; 409, 422
                 with header `Idempotency-Key`
    logout       POST /v1/logout                                      yes      200 {}

A session is the header `Authorization: Bearer TOKEN`; it ends after 15 minutes or with logout. A customer
sees only the own account; an agent (`agent-01` .. `agent-10`) may look up any. Everybody without a valid
session gets 401. `400` is a malformed request, `503` a component that failed.

`Idempotency-Key` (1-128 visible characters, required): the same key and body again gives the stored
answer with the header `Idempotency-Replayed: true` and no second effect; another body gives 422; many at
once have one effect, and the others wait for its answer.

Headers a client may send: `traceparent`; `Keelwatch-Traffic: probe|load` (else counted as real);
`Keelwatch-Channel: web|app|agent` (else web). Every answer carries `traceparent` and `Keelwatch-Region`.

Not through the edge: `/metrics`, and `/healthz` (200 while the process lives).
"""
