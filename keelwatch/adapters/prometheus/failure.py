"""What can go wrong between us and a Prometheus, said to the person who must mend it.

SourceError                 the source cannot be reached, or answers nonsense
`-- QueryRejected           the source is well and refuses this one query
    `-- QueryTooHeavy       ... because it is too much work; a smaller question may do
        `-- QueryTimedOut   ... as it seems, for it did not answer in our time; it may be dead as well
"""

from __future__ import annotations

from keelwatch.workspace.errors import SourceError


class QueryRejected(SourceError):
    """400 or 422: this query is refused, others may do."""


class QueryTooHeavy(QueryRejected):
    """Too many samples, or the server's own time limit: ask for less."""


class QueryTimedOut(QueryTooHeavy):
    """Our own patience ended. A smaller question may do; a dead server will not answer that either."""


_TOO_MUCH = ("too many samples", "query timed out", "exceeded maximum", "maxSamplesPerQuery")
_SHOWN_CHARS = 300


def of_status(status: int, detail: str, shown: str, location: str = "") -> SourceError:
    """The error for an HTTP status other than 200. `detail` is what the server said about it."""
    said = f": {detail[:_SHOWN_CHARS]}" if detail else ""
    match status:
        case 400 | 422:
            if any(words in detail for words in _TOO_MUCH):
                return QueryTooHeavy(f"{shown} gave up on a query{said}", "ask for a shorter window")
            return QueryRejected(f"{shown} refused a query{said}", "check the query text in the spec")
        case 401 | 403:
            return SourceError(
                f"{shown} does not let us in ({status}{said})", "check `basic`, `bearer` and `tenant`"
            )
        case 404:
            return SourceError(f"{shown} has no query API (404)", "`url` is the base, before /api/v1")
        case 408 | 503 | 504 if "timed out" in detail or "timeout" in detail:
            return QueryTooHeavy(f"{shown} ran out of time on a query{said}", "ask for a shorter window")
        case 429:
            return SourceError(
                f"{shown} is rate-limiting us (429{said})", "raise its limit or tick less often"
            )
        case _ if 300 <= status < 400:
            where = f" to {location.split('?', maxsplit=1)[0]}" if location else ""
            return SourceError(
                f"{shown} redirects{where} ({status}), and credentials are not carried along",
                "set `url` to the final address",
            )
        case _:
            return SourceError(f"{shown} answered {status}{said}", "look at its log; it will be asked again")
