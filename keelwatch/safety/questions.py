"""What guards ask of the world, each bounded in time: burn rates, PromQL, replica lag, elapsed time.

Every answer is yes (well), no (not well) or unknown, with what it rests on. Whether journeys pass is asked by
a run of them, which whoever guards starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from keelwatch.adapters.postgres import lag_of
from keelwatch.adapters.postgres.lag import judge
from keelwatch.safety.burn_words import over_words, under_words
from keelwatch.workspace.errors import KeelwatchError, Refused
from keelwatch.workspace.reading import Condition, Reading, Unknown, Value
from slo.burn import NO_TRAFFIC
from slo.durations import parse, spell
from slo.window_burn import window_burns

if TYPE_CHECKING:
    from keelwatch.workspace.estate import Database
    from slo.ask import Source
    from slo.objective import Tracked

USUAL_WINDOW_S = 300.0
USUAL_BURN = 14.4


def burn_below(
    source: Source, wanted: Sequence[Tracked], most: float, window_s: float, at: float, stale_after_s: float
) -> Condition:
    """Whether none of these objectives burns at `most` or more over the window. One that nobody uses burns
    nothing; where nothing at all is used, nobody can tell."""
    if not wanted:
        return Condition.unknown("no such objective")
    return judge_burns(window_burns(source, wanted, window_s, at, stale_after_s), most)


def judge_burns(burns: Mapping[tuple[str, str | None], Reading], most: float) -> Condition:
    """Pure. One that is surely over is a no, whatever is unknown beside it."""
    known = {_named(key): one.value for key, one in burns.items() if isinstance(one, Value)}
    unknown = {key: one.reason for key, one in burns.items() if isinstance(one, Unknown)}
    dark = [f"{_named(key)}: {why}" for key, why in unknown.items() if why != NO_TRAFFIC]
    if any(burn >= most for burn in known.values()):
        return Condition.no(over_words(known, most))
    if dark or not known:
        return Condition.unknown("; ".join(dark) or NO_TRAFFIC)
    return Condition.yes(under_words(known, most))


def promql_holds(source: Source, query: str, at: float) -> Condition:
    """Whether the query has an answer, and every number in it is true (not 0): `up{job="portal"} == 1`. A
    comparison that is false leaves nothing, and that is a no."""
    try:
        vector = source.query(query, at)
    except KeelwatchError as error:
        return Condition.unknown(error.message)
    values = [sample.value for sample in vector.samples]
    numbers = [one for one in values if isinstance(one, float | int)]
    if len(numbers) < len(values):
        return Condition.unknown(f"{query}: an answer that is no number")
    if not numbers:
        return Condition.no(f"{query}: nothing")
    words = f"{query}: " + ", ".join(f"{one:g}" for one in numbers[:3])
    return Condition.yes(words) if all(numbers) else Condition.no(words)


def lag_below(database: Database, region: str, max_s: float | None, max_bytes: float | None) -> Condition:
    """Whether the standby of `region` keeps up."""
    try:
        return judge(lag_of(database, region), max_s, max_bytes)
    except Refused as error:
        return Condition.no(error.message)
    except KeelwatchError as error:
        return Condition.unknown(error.message)


def elapsed_below(elapsed_s: float, most_s: float) -> Condition:
    words = f"{spell(elapsed_s)} of {spell(most_s)}"
    return Condition.yes(words) if elapsed_s < most_s else Condition.no(words)


def elapsed_share(words: str) -> float | None:
    """How much is over of what `elapsed_below` has said (0..1 and more); None for anything else."""
    elapsed, of, most = (one.replace(" ", "") for one in words.partition(" of "))
    try:
        return (0 if elapsed == spell(0) else parse(elapsed)) / parse(most) if of else None
    except ValueError:
        return None


def _named(key: tuple[str, str | None]) -> str:
    name, region = key
    return f"{name} ({region})" if region else name
