"""Billing: a process of its own per region, called by the portal's workers over HTTP.

    GET /invoices?account=ID      the account's invoices, newest first (header `Authorization: Bearer ...`)
    POST /changes?account=ID      takes up the account's plan changes: the open invoice gets the new price
    GET /ready                    200 while it can work (the portal asks, when it had failed)
    GET /healthz                  200 while the process lives
    GET /metrics                  billing_requests_total{region,code}, billing_request_seconds{region}

Changes that it was not told of, because it was away, it finds within seconds by itself.
Faults of the component `billing` strike here, before the database is asked.
"""
