"""Billing: a process of its own per region, called by the portal's workers over HTTP.

    GET /invoices?account=ID      the account's invoices, newest first (header `Authorization: Bearer ...`)
    GET /healthz                  200 while the process lives
    GET /metrics                  billing_requests_total{region,code}, billing_request_seconds{region}

Faults of the component `billing` strike here, before the database is asked.
"""
