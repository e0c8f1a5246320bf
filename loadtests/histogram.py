"""Latencies as counts by bucket, so that those of a second, of a worker and of a run add up exactly.

Buckets grow by a constant factor, so a quantile is off by at most `ERROR` of itself, wherever it lies
(DDSketch: Masson, Rim, Lee, "DDSketch: A Fast and Fully-Mergeable Quantile Sketch with Relative-Error
Guarantees", VLDB 2019). Locust's own buckets have two significant digits: 1.0 to 9.9 s in steps of 100 ms.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from keelwatch.ledger import JsonObject

ERROR = 0.01
GROWTH = (1 + ERROR) / (1 - ERROR)
LOG_GROWTH = math.log(GROWTH)
LEAST_MS = 0.01
"""All that is quicker counts as this."""


def bucket_of(value_ms: float) -> int:
    """The number of the bucket that `value_ms` falls into; 0 is that of `LEAST_MS`."""
    return max(0, math.ceil(math.log(max(value_ms, LEAST_MS) / LEAST_MS) / LOG_GROWTH))


def value_of(bucket: int) -> float:
    """What stands for all of a bucket (ms): no value in it is further away than `ERROR` of itself."""
    return LEAST_MS * GROWTH**bucket * 2 / (GROWTH + 1) if bucket else LEAST_MS


@dataclass(slots=True)
class Histogram:
    """`counts` by bucket; `total_ms` is the exact sum."""

    counts: dict[int, int] = field(default_factory=dict)
    total_ms: float = 0.0

    def record(self, value_ms: float) -> None:
        bucket = bucket_of(value_ms)
        self.counts[bucket] = self.counts.get(bucket, 0) + 1
        self.total_ms += value_ms

    def add(self, other: Histogram) -> None:
        for bucket, count in other.counts.items():
            self.counts[bucket] = self.counts.get(bucket, 0) + count
        self.total_ms += other.total_ms

    @property
    def count(self) -> int:
        return sum(self.counts.values())

    @property
    def mean_ms(self) -> float | None:
        count = self.count
        return self.total_ms / count if count else None

    def quantile_ms(self, share: float) -> float | None:
        """The value (ms) that `share` (0..1) of all do not exceed, by nearest rank; None without any."""
        rank = max(1, math.ceil(share * self.count))
        seen = 0
        for bucket in sorted(self.counts):
            seen += self.counts[bucket]
            if seen >= rank:
                return value_of(bucket)
        return None

    def share_above(self, limit_ms: float) -> float | None:
        """Which part (0..1) took longer than `limit_ms`; None without any. A bucket that the limit cuts
        counts as above it."""
        count = self.count
        if not count:
            return None
        last = bucket_of(limit_ms)
        over = sum(many for bucket, many in self.counts.items() if bucket > last)
        cut = self.counts.get(last, 0) if value_of(last) > limit_ms else 0
        return (over + cut) / count

    def as_json(self) -> JsonObject:
        return {"counts": {str(bucket): many for bucket, many in self.counts.items()}, "ms": self.total_ms}


def from_json(told: Mapping[str, object]) -> Histogram:
    """Raises `ValueError` for anything else than `as_json` writes."""
    counts, total = told.get("counts"), told.get("ms")
    if not isinstance(counts, Mapping) or not isinstance(total, int | float):
        raise ValueError("no histogram")
    return Histogram({int(bucket): int(many) for bucket, many in counts.items()}, float(total))


def merged(parts: Iterable[Histogram]) -> Histogram:
    whole = Histogram()
    for part in parts:
        whole.add(part)
    return whole
