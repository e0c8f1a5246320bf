"""Whether the role that we log in as may do what the verbs do: asked of the server, and nothing changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import LiteralString

from keelwatch.adapters.patience import Deadline
from keelwatch.adapters.postgres.session import Session, session
from keelwatch.adapters.postgres.standing import Standing, others, primary_among
from keelwatch.workspace.errors import KeelwatchError, Refused
from keelwatch.workspace.estate import Database

ASK_S = 3.0
IS_FENCED = "SELECT current_setting('default_transaction_read_only') = 'on'"
MAY_LOOK = "SELECT has_function_privilege('pg_stat_file(text, boolean)', 'EXECUTE')"


@dataclass(frozen=True, slots=True)
class Right:
    """`words` complete "log in as somebody, ..."; `question` is answered by true or false; `grant` is what
    gives it to a `{role}`."""

    words: str
    question: LiteralString
    grant: str


MONITOR = Right(
    "a member of pg_monitor",
    "SELECT pg_has_role('pg_monitor', 'USAGE')",
    "GRANT pg_monitor TO {role}",
)
SUPERUSER = Right(
    "a superuser",
    "SELECT rolsuper FROM pg_roles WHERE rolname = current_user",
    "ALTER ROLE {role} SUPERUSER",
)
PROMOTION = Right(
    "a superuser or one who may execute pg_promote(boolean, integer)",
    "SELECT has_function_privilege('pg_promote(boolean, integer)', 'EXECUTE')",
    "GRANT EXECUTE ON FUNCTION pg_promote(boolean, integer) TO {role}",
)


def ask_access(database: Database, region: str, right: Right, to: str = "") -> tuple[str, ...]:
    """The role has `right` on the server of `region`, and it is needed `to` do something. Raises `Refused`
    when it has not, `SourceError` when the server cannot be asked."""
    with session(database, region, Deadline.within(ASK_S)) as asked:
        _require(asked, database, right)
    return (_needed(database, right, to),)


def ask_beside(database: Database, region: str, right: Right) -> tuple[str, ...]:
    """As `ask_access`, but of the primary beside `region`, else of any that answers: they have the same
    roles, and that `region` is down may be the very reason to come."""
    answers = others(database, region)
    known = primary_among(answers) or next(
        (one for one in answers.values() if isinstance(one, Standing)), None
    )
    if known is None:
        raise next(one for one in answers.values() if isinstance(one, KeelwatchError))
    return ask_access(database, known.region, right)


def ask_promotion(database: Database, region: str) -> tuple[str, ...]:
    """A standby that is fenced, from when it was primary itself, must be unfenced as well."""
    with session(database, region, Deadline.within(ASK_S)) as asked:
        if asked.row(SUPERUSER.question)[0] is True:
            return (_needed(database, PROMOTION),)
        _require(asked, database, PROMOTION)
        if asked.row(IS_FENCED)[0] is True:
            _require(
                asked, database, SUPERUSER, f": {region} is fenced, and to unfence it takes ALTER SYSTEM"
            )
        if asked.row(MAY_LOOK)[0] is True:
            return (_needed(database, PROMOTION),)
    blind = f"{database.user} may not execute pg_stat_file(text, boolean): while it replays, nobody can tell"
    return (_needed(database, PROMOTION), f"{blind} whether {region} was told to promote")


def _require(asked: Session, database: Database, right: Right, why: str = "") -> None:
    if asked.row(right.question)[0] is not True:
        role = '"' + database.user.replace('"', '""') + '"'
        raise Refused(
            f"{database.user} must be {right.words} on {asked.where}, and is not{why}",
            f"there, as a superuser: {right.grant.format(role=role)}; "
            "or name another role: `database.user` in keelwatch.yaml",
        )


def _needed(database: Database, right: Right, to: str = "") -> str:
    return f"PostgreSQL: log in as {database.user}, {right.words}{f' ({to})' if to else ''}"
