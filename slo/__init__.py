"""Measure: how fast the error budget of every objective burns, and how much is left.

Promises: sums first and divides last; says `Unknown` and why wherever there is no number; one tick is
one evaluation time. Never averages ratios, never acts, and importing this door loads no client.
"""

from slo.snapshot import Counts, ObjectiveReading, PairReading, Snapshot, State, Trend

__all__ = ["Counts", "ObjectiveReading", "PairReading", "Snapshot", "State", "Trend"]
