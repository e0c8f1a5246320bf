"""Measure: would a customer's journey work right now, from here?

Promises: what a journey changed is taken back, with proof, whichever process dies; a time is a customer's and
not ours, or says that it cannot tell; every failure has a cause. Never asks a host that is not the
environment's, never writes a secret down. The room stands between `slo`, which it never imports, and
`keelwatch.runs`, whose journal, leases and guardian it uses.
"""
