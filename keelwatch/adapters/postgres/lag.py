"""`pg.lag`: how far a standby is behind, and what a promote now would lose."""

from __future__ import annotations

from dataclasses import dataclass

from keelwatch.adapters.arguments import estate_in, maybe_amount, word
from keelwatch.adapters.postgres.access import MONITOR, ask_access
from keelwatch.adapters.postgres.standing import Standing, ask_all, primary_among
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError, Refused
from keelwatch.workspace.estate import Database
from keelwatch.workspace.reading import Answer, Condition


@dataclass(frozen=True, slots=True)
class Lag:
    """Of a standby behind `primary`, which is None when no primary answers; then so is what only it can tell.

    `lost_bytes` have not reached the standby: a promote now loses them. `behind_bytes` are not replayed
    yet, `transactions` neither. `seconds` is the age of the newest transaction seen, 0 when none is missing.
    """

    region: str
    primary: str | None
    lost_bytes: int | None
    behind_bytes: int | None
    transactions: int | None
    seconds: float | None
    receiver: str
    heard_s: float | None

    @property
    def words(self) -> str:
        heard = "" if self.heard_s is None else f", last heard of it {self.heard_s:.1f} s ago"
        receiver = f"receiver {self.receiver or 'not running'}{heard}"
        if self.primary is None:
            return f"no primary answers: what a promote of {self.region} now loses is unknown; {receiver}"
        return (
            f"{self.region} is {self.behind_bytes} bytes, {self.transactions} transactions, "
            f"{_span(self.seconds)} behind {self.primary}; {receiver}; a promote now loses {self._loss}"
        )

    @property
    def _loss(self) -> str:
        if not self.lost_bytes:
            return "nothing that is written so far"
        return f"up to {self.transactions} transactions in {self.lost_bytes} bytes"

    def as_json(self) -> JsonObject:
        return {
            "region": self.region,
            "primary": self.primary,
            "lost_bytes": self.lost_bytes,
            "behind_bytes": self.behind_bytes,
            "transactions": self.transactions,
            "lag_s": self.seconds,
            "receiver": self.receiver or "not running",
            "heard_s": self.heard_s,
        }


def lag_between(primary: Standing | None, standby: Standing) -> Lag:
    """Pure. The primary was asked before the standby or at the same time, so the lag is never understated by
    more than the time between."""
    lost = behind = ended = None
    age = standby.replay_age_s
    if primary is not None:
        lost = max(0, primary.received - standby.received)
        behind = max(0, primary.received - standby.replayed)
        ended = max(0, primary.ended - standby.ended)
        age = 0.0 if not behind or not ended else age  # an idle primary makes nobody late
    return Lag(
        region=standby.region,
        primary=primary.region if primary else None,
        lost_bytes=lost,
        behind_bytes=behind,
        transactions=ended,
        seconds=age,
        receiver=standby.receiver,
        heard_s=standby.heard_s,
    )


def lag_of(database: Database, region: str) -> Lag:
    """Raises `SourceError` when the standby cannot be asked, `Refused` when it is none."""
    database.region(region)
    answers = ask_all(database, database.regions)
    mine = answers[region]
    if isinstance(mine, KeelwatchError):
        raise mine
    if not mine.is_standby:
        raise Refused(
            f"{mine.words}: it lags behind nobody",
            "name the region of a standby, or make this one a standby first: pg.rejoin",
        )
    return lag_between(primary_among(answers), mine)


def judge(lag: Lag, max_s: float | None, max_bytes: float | None) -> Condition:
    """Unknown when the primary does not answer. A standby that no WAL reaches is behind, whatever its numbers
    say now."""
    if lag.primary is None:
        return Condition.unknown(lag.words)
    if lag.receiver != "streaming":
        return Condition.no(lag.words)
    if max_bytes is not None and (lag.behind_bytes is None or lag.behind_bytes > max_bytes):
        return Condition.no(f"{lag.words}; at most {max_bytes:g} bytes are wanted")
    if max_s is not None and lag.seconds is None:
        return Condition.unknown(lag.words)
    if max_s is not None and lag.seconds is not None and lag.seconds > max_s:
        return Condition.no(f"{lag.words}; at most {max_s:g} s are wanted")
    return Condition.yes(lag.words)


@dataclass(frozen=True, slots=True)
class LagVerb:
    """Only reads. Arguments: `region` of the standby; `max_s`, `max_bytes`: more than that is a no."""

    name: str = "pg.lag"
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = 5.0

    def plan(self, args: JsonObject) -> Prediction:
        database, region, _, _ = _read(args)
        lag = lag_of(database, region)
        return Prediction(f"{args['environment']}/database/{region}", lag.as_json(), lag.words)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        database, region, max_s, max_bytes = _read(args)
        lag = lag_of(database, region)
        found = judge(lag, max_s, max_bytes)
        if found.answer is not Answer.YES:
            raise Refused(
                found.evidence, "see pg_stat_replication on the primary: does WAL reach the standby?"
            )
        return lag.as_json()

    def check(self, args: JsonObject) -> Condition:
        try:
            database, region, max_s, max_bytes = _read(args)
            return judge(lag_of(database, region), max_s, max_bytes)
        except Refused as error:
            return Condition.no(error.message)
        except KeelwatchError as error:
            return Condition.unknown(error.message)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        database, region, _, _ = _read(args)
        return ask_access(database, region, MONITOR)


def _read(args: JsonObject) -> tuple[Database, str, float | None, float | None]:
    database = estate_in(args, "region", "max_s", "max_bytes").the_database()
    return database, word(args, "region"), maybe_amount(args, "max_s"), maybe_amount(args, "max_bytes")


def _span(span_s: float | None) -> str:
    return "an unknown time" if span_s is None else f"{span_s:.1f} s"
