"""Counts in buckets of one length, the newest N of them; the sum of any stretch in O(1). Pure.

Sums come from prefix sums made anew whenever buckets change: adding what comes and taking away what
goes would drift in floats and on gaps.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from math import isnan, nan

ABSENT = nan
"""What a bucket holds when the source had no series then."""


class Ring:
    """Bucket `b` counts the events of (b - step_s, b]; `b` is a multiple of `step_s`.

    `end` is the newest bucket that was asked for, None before the first.
    """

    __slots__ = ("_counts", "_known", "_known_sums", "_sums", "end", "step_s")

    def __init__(self, step_s: int, slots: int) -> None:
        self.step_s = step_s
        self.end: int | None = None
        self._counts = array("d", bytes(8 * slots))  # 0 where absent, so that it can be summed as it is
        self._known = bytearray(slots)
        self._sums: array[float] | None = None
        self._known_sums = array("l")

    @property
    def slots(self) -> int:
        return len(self._known)

    @property
    def start(self) -> int:
        """The oldest bucket kept."""
        assert self.end is not None
        return self.end - (self.slots - 1) * self.step_s

    def put(self, first: int, values: Sequence[float]) -> None:
        """Set the buckets from `first` on, one after another, to `values` (NaN: absent)."""
        if not values:
            return
        self._reach(first + (len(values) - 1) * self.step_s)
        index = (first - self.start) // self.step_s
        kept = values[max(0, -index) :]
        index = max(0, index)
        self._known[index : index + len(kept)] = bytes([not isnan(v) for v in kept])
        self._counts[index : index + len(kept)] = array("d", [0.0 if isnan(v) else v for v in kept])
        self._sums = None

    def value(self, bucket: int) -> float:
        """The count of one bucket; NaN when absent or not kept."""
        if self.end is None or not self.start <= bucket <= self.end:
            return ABSENT
        index = (bucket - self.start) // self.step_s
        return self._counts[index] if self._known[index] else ABSENT

    def total(self, since: float, until: float) -> tuple[float, float]:
        """The events of (since, until] and how many seconds of it have samples behind them.

        `until` is a bucket's end. Of the bucket in which `since` falls, a share by time is taken.
        """
        if self.end is None or until <= since:
            return 0.0, 0.0
        sums, known = self._prefix()
        oldest = self.start - self.step_s
        first = (max(since, oldest) - oldest) / self.step_s
        last = min(int((until - oldest) // self.step_s), self.slots)
        whole = int(-(-first // 1))
        if whole > last:
            return 0.0, 0.0
        events, seconds = sums[last] - sums[whole], (known[last] - known[whole]) * float(self.step_s)
        share = whole - first
        if share > 0 and self._known[whole - 1]:
            events += self._counts[whole - 1] * share
            seconds += self.step_s * share
        return events, seconds

    def _reach(self, end: int) -> None:
        """Make `end` the newest bucket if it is newer; what is skipped stays absent."""
        if self.end is None:
            self.end = end
        ahead = (end - self.end) // self.step_s
        if ahead <= 0:
            return
        gone = min(ahead, self.slots)
        self._counts = self._counts[gone:] + array("d", bytes(8 * gone))
        self._known = self._known[gone:] + bytes(gone)
        self.end = end

    def _prefix(self) -> tuple[array[float], array[int]]:
        if self._sums is None:
            self._sums = array("d", accumulate(self._counts, initial=0.0))
            self._known_sums = array("l", accumulate(self._known, initial=0))
        return self._sums, self._known_sums
