"""Measure: would a customer's journey work right now, from here?

The room stands between `slo`, which it never imports, and `keelwatch.adapters`. It holds nothing yet.
"""
