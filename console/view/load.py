"""A load in plain lines: as it goes, and what came of it. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from console.view import run
from console.view.limits import budget_sentences
from keelwatch.ledger import Fact, FactKind, JsonObject
from keelwatch.runs import Glance, StreamLine
from keelwatch.runs.fields import mapping, number, text, whole
from keelwatch.safety.budget import at_the_end
from loadtests.follow import Followed
from loadtests.gathered import Gathered, Second, Times
from loadtests.histogram import Histogram

PERCENTILES = (50, 95, 99)


def second_line(at: int, second: Second, model: str) -> str:
    """`0:42  31.0 req/s  4.1 arrivals/s  0.0% failed  p50 12 p95 48 p99 90 ms  18 in flight`."""
    times = second.times
    words = [f"{at // 60}:{at % 60:02}", f"{times.count:5.0f} req/s"]
    if model == "open":
        words += [f"{second.due:3} of {second.level:.1f} arrivals/s", f"{second.in_flight:3} in flight"]
    else:
        words += [f"{second.users:3} of {second.level:.0f} users"]
    words += [f"{share(times):6.2%} failed", f"{_quantiles(times.response)} ms"]
    if second.dropped:
        words.append(f"DROPPED {second.dropped}")
    return "  ".join(words)


def glance_lines(glance: Glance) -> list[str]:
    """What is new, for whoever comes to a run that goes on: each second of each generator, what is said,
    and the verdict."""
    return [line for item in glance.items if (line := _told(item))]


def _told(item: Fact | StreamLine) -> str:
    match item:
        case Fact(kind=FactKind.VERDICT):
            return run.verdict_line(item)
        case StreamLine(record=record) if told := mapping(mapping(record, "sample"), "told"):
            alone = Gathered()
            alone.take(told)
            ((at, second),) = alone.seconds.items()
            return second_line(at, second, "open" if second.due or second.in_flight else "closed")
        case StreamLine(record=record):
            return "" if "guard" in mapping(record, "sample") else run.told(item)
    return ""


def share(times: Times) -> float:
    return times.failed / times.count if times.count else 0.0


def result_lines(told: Followed, *, is_over: bool) -> Iterator[str]:
    """The table of requests, what was found of each threshold, and how the load was applied."""
    gathered = told.gathered
    yield from _table("request", gathered.requests, gathered.all)
    if gathered.journeys:
        yield ""
        yield from _table("journey", gathered.journeys, None)
    for errors in (gathered.errors.most_common(5),):
        if errors:
            yield ""
            yield "errors"
            yield from (f"  {count:6}  {words}" for words, count in errors)
    if told.judged:
        yield ""
        yield from _found(told.judged)
        yield applied_line(told.judged)
    yield from budget_sentences(told.budget, is_over=is_over)


def applied_line(judged: JsonObject) -> str:
    words = [f"applied: {whole(judged, 'least_workers')} of {whole(judged, 'workers')} generators"]
    if judged.get("least_users") is not None:
        words.append(f"at least {number(judged, 'least_users'):.0%} of the users")
    if whole(judged, "due"):
        words.append(f"{whole(judged, 'due')} arrivals due, {whole(judged, 'dropped')} dropped")
    if judged.get("cpu") is not None:
        words.append(f"busiest generator {number(judged, 'cpu'):.0%} of a core")
    return ", ".join(words)


def _found(judged: JsonObject) -> Iterator[str]:
    for one in findings_in(judged):
        value = text(one, "value")
        word = finding_word(value, text(one, "late"), met=bool(one.get("met")))
        yield f"{word:7}  {text(one, 'name')}: {value or text(one, 'reason')}"


def finding_word(value: str, late: str, *, met: bool) -> str:
    """Capitals for what is wrong. LATE: the server has not missed it, the generator has."""
    if not value:
        return "unknown"
    return "met" if met else "LATE" if late else "MISSED"


def findings_in(judged: JsonObject) -> list[JsonObject]:
    found = judged.get("findings")
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _table(what: str, rows: Mapping[str, Times], total: Times | None) -> Iterator[str]:
    width = max([len(what), len("all"), *map(len, rows)])
    yield f"{what:{width}}  {'count':>6} {'failed':>7}  {'service ms p50/p95/p99':>24}  {'response ms':>24}"
    for name, times in sorted(rows.items()):
        yield _row(name, times, width)
    if total is not None and total.count:
        yield _row("all", total, width)


def _row(name: str, times: Times, width: int) -> str:
    return (
        f"{name:{width}}  {times.count:6} {share(times):7.2%}"
        f"  {_quantiles(times.service):>24}  {_quantiles(times.response):>24}"
    )


def _quantiles(histogram: Histogram) -> str:
    found = [histogram.quantile_ms(one / 100) for one in PERCENTILES]
    return " / ".join("-" if one is None else f"{one:.0f}" for one in found)


def load_json(told: Followed, *, is_over: bool) -> JsonObject:
    """What came of it, and every second of it."""
    gathered = told.gathered
    return {
        "planned": told.planned,
        "judged": told.judged or None,
        "requests": [_times_json(name, one) for name, one in sorted(gathered.requests.items())],
        "journeys": [_times_json(name, one) for name, one in sorted(gathered.journeys.items())],
        "all": _times_json("all", gathered.all),
        "seconds": [_second_json(at, one) for at, one in sorted(gathered.seconds.items())],
        "guard": [
            {"limit": name, "answer": said.answer, "because": said.because}
            for name, said in told.guard.items()
        ],
        "budget": [
            {"objective": one.objective, "region": one.region, "share": one.share, "spent": one.spent}
            for one in (at_the_end(told.budget) if is_over else told.budget)
        ],
    }


def _times_json(name: str, times: Times) -> JsonObject:
    return {
        "name": name,
        "count": times.count,
        "failed": times.failed,
        "service_s": _seconds(times.service),
        "response_s": _seconds(times.response),
    }


def _seconds(histogram: Histogram) -> JsonObject:
    found = {f"p{one}": histogram.quantile_ms(one / 100) for one in PERCENTILES}
    return {name: None if one is None else round(one / 1000, 6) for name, one in found.items()}


def _second_json(at: int, second: Second) -> JsonObject:
    return {
        "at_s": at,
        "count": second.times.count,
        "failed": second.times.failed,
        "users": second.users,
        "level": second.level,
        "due": second.due,
        "dropped": second.dropped,
        "in_flight": second.in_flight,
        "cpu": second.cpu,
        "response_s": _seconds(second.times.response),
    }
