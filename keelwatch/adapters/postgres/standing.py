"""What each region's PostgreSQL is now: primary or standby, on which timeline, how far."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.postgres.session import Session, session
from keelwatch.workspace.errors import KeelwatchError, Refused
from keelwatch.workspace.estate import Database

ASK_S = 3.0

# The timeline of a standby is nowhere to be read as such: the newest of what it replays, of what it must
# replay, and of its last checkpoint. A primary's is in the name of the WAL file it writes.
TIMELINE = """
    CASE WHEN pg_is_in_recovery()
    THEN greatest(
        (SELECT timeline_id FROM pg_control_checkpoint()),
        (SELECT min_recovery_end_timeline FROM pg_control_recovery()),
        coalesce((SELECT received_tli FROM pg_stat_wal_receiver), 0))
    ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int END
"""
# The snapshot's end is comparable between a primary and its standby: transactions ended and replayed.
STANDING = f"""
    SELECT pg_is_in_recovery(), {TIMELINE},
        CASE WHEN pg_is_in_recovery()
            THEN greatest(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn())
            ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn,
        CASE WHEN pg_is_in_recovery()
            THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_flush_lsn() END - '0/0'::pg_lsn,
        coalesce((SELECT status FROM pg_stat_wal_receiver), ''),
        (SELECT extract(epoch FROM clock_timestamp() - last_msg_receipt_time) FROM pg_stat_wal_receiver),
        extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()),
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint,
        current_setting('default_transaction_read_only') = 'on'
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """`received` and `replayed` are byte positions in the WAL (both the flushed one on a primary);
    `replay_age_s` is the age of the last transaction replayed; `heard_s` ago the receiver last heard of its
    primary; `ended` counts transactions that have ended. `is_fenced`: new sessions are read-only."""

    region: str
    is_standby: bool
    timeline: int
    received: int
    replayed: int
    receiver: str
    heard_s: float | None
    replay_age_s: float | None
    ended: int
    is_fenced: bool

    @property
    def words(self) -> str:
        role = "standby" if self.is_standby else "primary, fenced" if self.is_fenced else "primary"
        return f"{self.region} is {role} on timeline {self.timeline} at {lsn(self.replayed)}"


def lsn(position: int) -> str:
    """A byte position as PostgreSQL writes it."""
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:X}"


def standing(asked: Session, region: str) -> Standing:
    row = asked.row(STANDING)
    recovery, timeline, received, replayed, receiver, heard, age, ended, fenced = row
    return Standing(
        region=region,
        is_standby=bool(recovery),
        timeline=whole(timeline),
        received=whole(received),
        replayed=whole(replayed),
        receiver=str(receiver),
        heard_s=None if heard is None else seconds(heard),
        replay_age_s=None if age is None else seconds(age),
        ended=whole(ended),
        is_fenced=bool(fenced),
    )


def standing_of(database: Database, region: str, within_s: float = ASK_S) -> Standing:
    """Raises `SourceError` when it cannot be asked."""
    with session(database, region, Deadline.within(within_s)) as asked:
        return standing(asked, region)


type Answers = Mapping[str, Standing | KeelwatchError]


def ask_all(database: Database, regions: Iterable[str], within_s: float = ASK_S) -> Answers:
    """Each of `regions`, all at once: one that is dead must not use up the time of the others."""
    names = list(regions)
    database.region(names[0])
    with ThreadPoolExecutor(len(names)) as pool:
        found = pool.map(lambda region: _or_error(database, region, within_s), names)
        return dict(zip(names, found, strict=True))


def primary_among(answers: Answers) -> Standing | None:
    """The one on the newest timeline, where several think they are; None when none that answers is."""
    found = [one for one in answers.values() if isinstance(one, Standing) and not one.is_standby]
    return max(found, key=lambda one: one.timeline, default=None)


def others(database: Database, region: str, within_s: float = ASK_S) -> Answers:
    """Everybody but `region`."""
    names = [name for name in database.regions if name != region]
    if not names:
        raise Refused(f"the database has no region but {region}", "see `database.regions` in keelwatch.yaml")
    return ask_all(database, names, within_s)


def whole(value: object) -> int:
    """A number out of a row: `numeric` comes as a Decimal."""
    return int(str(value))


def seconds(value: object) -> float:
    return float(str(value))


def _or_error(database: Database, region: str, within_s: float) -> Standing | KeelwatchError:
    try:
        return standing_of(database, region, within_s)
    except KeelwatchError as error:
        return error
