"""`pg.rejoin`: the old primary becomes a standby of the new one; what only it has is thrown away."""

from __future__ import annotations

from dataclasses import dataclass

from keelwatch.adapters import sandbox
from keelwatch.adapters.arguments import estate_in, word
from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.postgres.access import SUPERUSER, ask_beside
from keelwatch.adapters.postgres.fence import target_of
from keelwatch.adapters.postgres.session import session
from keelwatch.adapters.postgres.standing import Answers, Standing, ask_all, lsn, primary_among
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError, Refused, UnknownResult
from keelwatch.workspace.estate import Database, Estate
from keelwatch.workspace.reading import Answer, Condition

ACT_S = 40.0
STREAMS_WITHIN_S = 10.0
ASK_S = 3.0
HISTORY = "SELECT pg_read_file('pg_wal/' || lpad(upper(to_hex(%s::int)), 8, '0') || '.history', true)"


@dataclass(frozen=True, slots=True)
class RejoinVerb:
    """Argument: `region`. It stops, rewinds and starts a server, which only its own host can: in the sandbox
    that is done; elsewhere the plan is refused with the commands to run there, and `check` tells
    when it streams."""

    name: str = "pg.rejoin"
    effect: EffectClass = EffectClass.DESIRED_STATE
    settle_s: float = ACT_S + STREAMS_WITHIN_S + 2 * ASK_S

    def plan(self, args: JsonObject) -> Prediction:
        estate, database, region = _read(args)
        answers = ask_all(database, database.regions)
        primary = _other_primary(answers, region)
        _refuse_without_hands(estate, database, region, primary)
        mine = answers[region]
        now = mine.words if isinstance(mine, Standing) else mine.message
        before: JsonObject = {
            "timeline": mine.timeline if isinstance(mine, Standing) else None,
            "primary": primary.region,
        }
        becomes = f"becomes a standby of {primary.region} (timeline {primary.timeline})"
        summary = f"{now}; {becomes}{_loss(database, mine, primary)}"
        return Prediction(target_of(args, region), before, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        estate, database, region = _read(args)
        primary = _other_primary(ask_all(database, database.regions), region)
        _refuse_without_hands(estate, database, region, primary)
        sandbox.rejoin("database", region, name=estate.sandbox, within_s=ACT_S)
        found = Condition.unknown("not asked")

        def streams() -> bool:
            nonlocal found
            found = self.check(args)
            return found.answer is Answer.YES

        if not Deadline.within(STREAMS_WITHIN_S).until(streams, 0.2):
            raise UnknownResult(f"{region} was made a standby, but: {found.evidence}", "look at its log")
        return {"region": region, "primary": primary.region, "evidence": found.evidence}

    def check(self, args: JsonObject) -> Condition:
        try:
            _, database, region = _read(args)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        return judge(ask_all(database, database.regions, ASK_S), region)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None

    def access(self, args: JsonObject) -> tuple[str, ...]:
        estate, database, region = _read(args)
        if estate.sandbox:
            hands = sandbox.ask_access(estate.sandbox)
        else:  # which nobody can ask from here
            hands = (f"the host of {region}, as postgres",)
        return (*hands, *ask_beside(database, region, SUPERUSER))


def judge(answers: Answers, region: str) -> Condition:
    """Whether `region` streams from the primary, on its timeline."""
    mine, primary = answers[region], primary_among(answers)
    if isinstance(mine, KeelwatchError):
        return Condition.unknown(mine.message)
    if not mine.is_standby:
        return Condition.no(mine.words)
    if primary is None:
        return Condition.unknown(f"{mine.words}, and no primary answers")
    words = f"{mine.words}, receiver {mine.receiver or 'not running'}; {primary.words}"
    streams = mine.receiver == "streaming" and mine.timeline == primary.timeline
    return Condition.yes(words) if streams else Condition.no(words)


def _read(args: JsonObject) -> tuple[Estate, Database, str]:
    estate = estate_in(args, "region")
    database, region = estate.the_database(), word(args, "region")
    database.region(region)
    return estate, database, region


def _other_primary(answers: Answers, region: str) -> Standing:
    primary = primary_among(answers)
    if primary is None:
        raise Refused(f"no primary answers that {region} could follow", "promote one first: pg.promote")
    if primary.region == region:
        raise Refused(f"{primary.words}: it has nobody to follow", "promote another region first: pg.promote")
    return primary


def _refuse_without_hands(estate: Estate, database: Database, region: str, primary: Standing) -> None:
    if estate.sandbox:
        return
    at = database.region(primary.region)
    source = f"host={at.host} port={at.port} user={database.user} dbname={database.name}"
    raise Refused(
        f"rewinding {region} needs its own host, which Keelwatch has no hands on",
        f"there, as postgres: pg_ctl -D DATA -m fast stop; pg_rewind -D DATA --source-server='{source}' -R; "
        "pg_ctl -D DATA start; then check again",
    )


def _loss(database: Database, mine: Standing | KeelwatchError, primary: Standing) -> str:
    """How much of the old primary's is on no other timeline."""
    if isinstance(mine, KeelwatchError) or mine.is_standby:
        return ""
    try:
        with session(database, primary.region, Deadline.within(ASK_S)) as asked:
            parted = parted_at(str(asked.row(HISTORY, [primary.timeline])[0] or ""), mine.timeline)
    except KeelwatchError:
        parted = None
    if parted is None:
        return "; how much of its own is thrown away cannot be told"
    return f"; {max(0, mine.replayed - parted)} bytes of its WAL beyond {lsn(parted)} are thrown away"


def parted_at(history: str, timeline: int) -> int | None:
    """Where `timeline` ended, by a timeline's history file: lines of timeline, position and reason."""
    for line in history.splitlines():
        words = line.split()
        if len(words) >= 2 and words[0] == str(timeline):
            high, _, low = words[1].partition("/")
            return (int(high, 16) << 32) + int(low, 16)
    return None
