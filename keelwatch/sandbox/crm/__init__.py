"""Outside the portal: the CRM, which learns of changes by events, and the relay that brings them.

    outbox (PostgreSQL) -> relay -> stream `events` (Redis) -> consumer -> crm_accounts

An event is delivered at least once and applied once: one that is older than the last applied to its account,
or the same again, changes nothing. GET /metrics: portal_outbox_pending (events not yet on the stream),
portal_event_lag_seconds (histogram: from the change to the CRM).
"""
