"""`pg.fence` and `pg.unfence`: a primary that takes no more writes, and back.

The fence is the server's own default: every new transaction is read-only, and sessions from before are ended.
A client that asks for `SET transaction_read_only = off` gets it; keep the edge and the pools away as well.
"""

from __future__ import annotations

from dataclasses import dataclass

from keelwatch.adapters.arguments import estate_in, place_in, truth, word
from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.postgres.access import SUPERUSER, ask_access
from keelwatch.adapters.postgres.session import APPLICATION, Session, session
from keelwatch.adapters.postgres.standing import Standing, lsn, others, standing, standing_of, whole
from keelwatch.ledger import JsonObject
from keelwatch.runs import Action, Attempt, EffectClass, Prediction
from keelwatch.workspace.errors import KeelwatchError, Refused, SourceError
from keelwatch.workspace.estate import Database
from keelwatch.workspace.reading import Condition

SETTLE_S = 15.0
ACT_S = 12.0
ASK_S = 3.0
PAUSE_S = 0.01  # customers wait for a failover, so it does not

# Our own questions, asked beside this by guards and other screens, are left alone.
OTHERS = """
    backend_type = 'client backend' AND pid <> pg_backend_pid()
    AND NOT (application_name = %s AND usename = current_user)
"""
OVERRIDES = """
    SELECT coalesce(string_agg(coalesce(r.rolname, 'every role of a database'), ', '), '')
    FROM pg_db_role_setting s LEFT JOIN pg_roles r ON r.oid = s.setrole, unnest(s.setconfig) one
    WHERE one ~* '^(default_)?transaction_read_only=(off|false|no|0)$'
"""
# A session looks at settings before each command; only a transaction from before may still write.
WRITERS = f"SELECT count(*) FROM pg_stat_activity WHERE {OTHERS} AND xact_start < pg_conf_load_time()"


@dataclass(frozen=True, slots=True)
class FenceVerb:
    """Argument: `region`. Its server must be a primary that answers; who cannot be asked cannot be fenced."""

    name: str = "pg.fence"
    effect: EffectClass = EffectClass.CHECKABLE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        database, region = _read(args)
        with session(database, region, Deadline.within(ASK_S)) as asked:
            now = standing(asked, region)
            _refuse_standby(now)
            _refuse_overrides(asked, region)
            count = whole(
                asked.row(f"SELECT count(*) FROM pg_stat_activity WHERE {OTHERS}", [APPLICATION])[0]
            )
        summary = f"{now.words}: new transactions become read-only, {count} sessions are ended"
        before: JsonObject = {"fenced": now.is_fenced, "timeline": now.timeline, "sessions": count}
        return Prediction(target_of(args, region), before, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        database, region = _read(args)
        deadline = Deadline.within(ACT_S)
        with session(database, region, deadline) as asked:
            now = standing(asked, region)
            _refuse_standby(now)
            _refuse_overrides(asked, region)
            if not now.is_fenced:
                set_read_only(asked, region, wanted=True)
            ended = _end_sessions(asked, region)
            after = standing(asked, region)
        with session(database, region, deadline) as fresh:
            if not fresh.refuses_writes():
                raise SourceError(
                    f"{region} still takes writes from a new session", "stop it on its own host"
                )
        return {
            "region": region,
            "read_only": True,
            "ended_sessions": ended,
            "timeline": after.timeline,
            "lsn": lsn(after.replayed),
        }

    def check(self, args: JsonObject) -> Condition:
        try:
            database, region = _read(args)
            with session(database, region, Deadline.within(ASK_S)) as asked:
                return _judge(asked, standing(asked, region))
        except KeelwatchError as error:
            return Condition.unknown(error.message)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        if before.get("fenced") is True:  # it was so before us, and stays so
            return None
        return Action("pg.unfence", {**place_in(args), "region": word(args, "region")})

    def access(self, args: JsonObject) -> tuple[str, ...]:
        return ask_access(*_read(args), SUPERUSER, "ALTER SYSTEM, pg_terminate_backend")


@dataclass(frozen=True, slots=True)
class UnfenceVerb:
    """Take a fence away. Refused when another region was promoted, for then two would take writes, and when
    another cannot be asked whether it was: unless `even_if_unknown` is true.

    Arguments: `region`, `even_if_unknown` (default false).
    """

    name: str = "pg.unfence"
    effect: EffectClass = EffectClass.CHECKABLE
    settle_s: float = SETTLE_S

    def plan(self, args: JsonObject) -> Prediction:
        database, region, even_so = _read_unfence(args)
        now = standing_of(database, region)
        _refuse_superseded(database, now, even_if_unknown=even_so)
        summary = f"{now.words}: new transactions may write again"
        return Prediction(target_of(args, region), {"fenced": now.is_fenced}, summary)

    def do(self, args: JsonObject, attempt: Attempt) -> JsonObject:
        database, region, even_so = _read_unfence(args)
        with session(database, region, Deadline.within(ACT_S)) as asked:
            _refuse_superseded(database, standing(asked, region), even_if_unknown=even_so)
            set_read_only(asked, region, wanted=False)
        return {"region": region, "read_only": False}

    def check(self, args: JsonObject) -> Condition:
        try:
            database, region, _ = _read_unfence(args)
            now = standing_of(database, region)
        except KeelwatchError as error:
            return Condition.unknown(error.message)
        return Condition.no(now.words) if now.is_fenced else Condition.yes(now.words)

    def undo(self, args: JsonObject, before: JsonObject) -> Action | None:
        return None  # it is an undo itself

    def access(self, args: JsonObject) -> tuple[str, ...]:
        database, region, _ = _read_unfence(args)
        return ask_access(database, region, SUPERUSER, "ALTER SYSTEM")


def set_read_only(asked: Session, region: str, *, wanted: bool) -> None:
    """By default, and for every session: returns once this one, too, has seen it. Also on a standby, which
    keeps a fence from when it was primary."""
    if wanted:
        asked.run("ALTER SYSTEM SET default_transaction_read_only = on")
    else:
        asked.run("ALTER SYSTEM RESET default_transaction_read_only")
    asked.run("SELECT pg_reload_conf()")
    if not asked.deadline.until(lambda: standing(asked, region).is_fenced is wanted, PAUSE_S):
        raise SourceError(
            f"{region} did not take over default_transaction_read_only when reloaded",
            "is it set on its command line or in postgresql.conf? select * from pg_settings",
        )


def target_of(args: JsonObject, region: str) -> str:
    return f"{args['environment']}/database/{region}"


def _judge(asked: Session, now: Standing) -> Condition:
    if now.is_standby:
        return Condition.yes(f"{now.words}: it takes no writes")
    if not now.is_fenced:
        return Condition.no(f"{now.words}: it takes writes")
    overrides = str(asked.row(OVERRIDES)[0])
    if overrides:
        return Condition.no(f"{now.words}, but {overrides} may write by a setting of their own")
    writers = whole(asked.row(WRITERS, [APPLICATION])[0])
    if writers:
        return Condition.no(f"{now.words}, but {writers} transactions from before the fence are still open")
    if not asked.refuses_writes():
        return Condition.no(f"{now.words}, but a write was taken")
    return Condition.yes(f"{now.words}: a write was refused, and no older transaction is open")


def _end_sessions(asked: Session, region: str) -> int:
    """All that are there now; those who come back find it read-only."""
    pids = asked.row(
        f"SELECT coalesce(array_agg(pid), '{{}}') FROM pg_stat_activity WHERE {OTHERS}", [APPLICATION]
    )[0]
    assert isinstance(pids, list)
    asked.row("SELECT count(pg_terminate_backend(pid)) FROM unnest(%s::int[]) AS pid", [pids])
    left = "SELECT count(*) FROM pg_stat_activity WHERE pid = ANY(%s)"
    if not asked.deadline.until(lambda: whole(asked.row(left, [pids])[0]) == 0, PAUSE_S):
        raise SourceError(f"some sessions of {region} do not end", "select * from pg_stat_activity there")
    return len(pids)


def _refuse_standby(now: Standing) -> None:
    if now.is_standby:
        raise Refused(f"{now.words}: it takes no writes", "fence the primary")


def _refuse_overrides(asked: Session, region: str) -> None:
    overrides = str(asked.row(OVERRIDES)[0])
    if overrides:
        raise Refused(
            f"a fence of {region} would not hold: {overrides} may write by a setting of their own",
            "ALTER ROLE ... RESET default_transaction_read_only, or stop the server instead",
        )


def _refuse_superseded(database: Database, now: Standing, *, even_if_unknown: bool) -> None:
    for region, other in others(database, now.region).items():
        if isinstance(other, Standing):
            if not other.is_standby and other.timeline > now.timeline:
                raise Refused(
                    f"{other.words}: with {now.region} unfenced, two would take writes",
                    f"make {now.region} its standby instead: pg.rejoin",
                )
        elif not even_if_unknown:
            raise Refused(
                f"nobody can tell whether {region} was promoted ({other.message}); "
                f"unfencing {now.region} might make two that take writes",
                f"if {region} is surely no primary, on {now.region}: "
                "ALTER SYSTEM RESET default_transaction_read_only; SELECT pg_reload_conf();",
            )


def _read(args: JsonObject) -> tuple[Database, str]:
    database = estate_in(args, "region").the_database()
    return database, word(args, "region")


def _read_unfence(args: JsonObject) -> tuple[Database, str, bool]:
    database = estate_in(args, "region", "even_if_unknown").the_database()
    return database, word(args, "region"), truth(args, "even_if_unknown", default=False)
