"""Burn rates over one window alone, asked at once: for guards, which need no history and no memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from keelwatch.workspace.errors import SourceError
from keelwatch.workspace.reading import Reading, Unknown
from slo.ask import Answers, Source, instant
from slo.burn import NO_TRAFFIC, Absent, Count, Counted, Failed, burn_rate, error_ratio
from slo.durations import spell
from slo.evaluate import PartOfTotal
from slo.plan import Increase, Newest, terms

if TYPE_CHECKING:
    from slo.objective import Stream, Tracked

PATIENCE_S = 2.0


def window_burns(
    source: Source, wanted: Sequence[Tracked], window_s: float, at: float, stale_after_s: float
) -> Mapping[tuple[str, str | None], Reading]:
    """The burn of each objective over the last `window_s` at `at`, by its key. Unknown where its newest
    sample is older than `stale_after_s`, or the source gives nothing. Never raises for the source."""
    window = Increase(window_s)
    streams = [stream for one in wanted for stream in (one.part, one.total)]
    totals = [one.total for one in wanted]
    try:
        answers = instant(source, [*terms(streams, [window]), *terms(totals, [Newest()])], at, PATIENCE_S)
    except SourceError as error:
        return {one.key: Unknown(error.message, at, source.shown) for one in wanted}
    return {one.key: _burn(one, answers, window, at, stale_after_s, source.shown) for one in wanted}


def window_counts(
    source: Source, wanted: Sequence[Tracked], window_s: float, at: float
) -> Mapping[tuple[str, str | None], tuple[float, float] | Unknown]:
    """How many events of each objective were bad in the last `window_s` at `at`, and how many there were, by
    its key. Never raises for the source."""
    window = Increase(window_s)
    streams = [stream for one in wanted for stream in (one.part, one.total)]
    try:
        answers = instant(source, terms(streams, [window]), at, PATIENCE_S)
    except SourceError as error:
        return {one.key: Unknown(error.message, at, source.shown) for one in wanted}
    return {one.key: _counts(one, answers, window, at, source.shown) for one in wanted}


def _counts(
    one: Tracked, answers: Answers, window: Increase, at: float, shown: str
) -> tuple[float, float] | Unknown:
    parts = PartOfTotal(_counted(answers, one.part, window), _counted(answers, one.total, window))
    bad, total = parts.bad(one.objective.ratio.part_is), parts.total
    match bad, total:
        case _, Absent():
            return Unknown(NO_TRAFFIC, at, shown)
        case (Failed(reason), _) | (_, Failed(reason)):
            return Unknown(reason, at, shown)
        case ((Count() | Absent()), Count()):
            return (bad.events if isinstance(bad, Count) else 0.0), total.events
    raise AssertionError(parts)


def _burn(
    one: Tracked, answers: Answers, window: Increase, at: float, stale_after_s: float, shown: str
) -> Reading:
    newest = answers.newest(one.total)
    if newest is not None and at - newest > one.objective.stale_after_s(stale_after_s):
        return Unknown(f"stale: last sample {spell(at - newest)} ago", at, shown)
    counts = PartOfTotal(_counted(answers, one.part, window), _counted(answers, one.total, window))
    ratio = error_ratio(counts.bad(one.objective.ratio.part_is), counts.total, at, shown)
    return burn_rate(ratio, one.objective.target)


def _counted(answers: Answers, stream: Stream, window: Increase) -> Counted:
    return answers.counted(stream, window, spell(window.seconds))
