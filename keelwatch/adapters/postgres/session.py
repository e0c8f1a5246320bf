"""A session with one region's PostgreSQL that cannot hang: the deadline also holds when the server is
frozen, which neither `statement_timeout` nor the client library sees.

Raises `SourceError` naming the region, the address and what to do. The only module that knows psycopg.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, LiteralString

from keelwatch.adapters.patience import Deadline
from keelwatch.workspace.errors import KeelwatchError, SourceError
from keelwatch.workspace.estate import Database

if TYPE_CHECKING:
    import psycopg

APPLICATION = "keelwatch"
LEAST_CONNECT_S = 2  # of libpq

type Row = tuple[object, ...]


class Session:
    """Autocommit. Every method raises `SourceError` for what the server refuses or does not answer."""

    def __init__(self, connection: psycopg.Connection[Row], where: str, deadline: Deadline) -> None:
        self.deadline = deadline
        self._connection = connection
        self._where = where

    @property
    def where(self) -> str:
        """Which server it is, in words."""
        return self._where

    def row(self, query: LiteralString, parameters: Sequence[object] = ()) -> Row:
        """The only row of the answer."""
        import psycopg

        try:
            row = self._connection.execute(query, parameters or None).fetchone()
        except psycopg.Error as error:
            raise self._failed(error) from None
        if row is None:
            raise SourceError(f"{self._where} answered nothing where a row was due")
        return row

    def run(self, query: LiteralString) -> None:
        import psycopg

        try:
            self._connection.execute(query)
        except psycopg.Error as error:
            raise self._failed(error) from None

    def refuses_writes(self) -> bool:
        """Proven by trying; what was tried is rolled back."""
        import psycopg

        try:
            self._connection.execute("BEGIN")
            self._connection.execute("CREATE TABLE keelwatch_fence_proof ()")
        except psycopg.errors.ReadOnlySqlTransaction:
            self.run("ROLLBACK")
            return True
        except psycopg.Error as error:
            raise self._failed(error) from None
        self.run("ROLLBACK")
        return False

    def _failed(self, error: psycopg.Error) -> SourceError:
        if self.deadline.left_s <= 0:
            return silent(self._where)
        hint = (
            "use a superuser: `database.user` in keelwatch.yaml"
            if error.sqlstate == "42501"
            else "see its log"
        )
        return SourceError(f"{self._where}: {_words(error)}", hint)


@contextmanager
def session(database: Database, region: str, deadline: Deadline) -> Iterator[Session]:
    """Logged in to the server of `region`; ends by `deadline` whatever the server does."""
    address = database.region(region)
    where = f"PostgreSQL of {region} ({address})"
    connection = _connect(database, region, where, deadline)
    mutex, over = threading.Lock(), threading.Event()

    def cut() -> None:
        with mutex:
            if not over.is_set():
                _hang_up(connection)

    watchdog = threading.Timer(deadline.left_s, cut)
    watchdog.daemon = True
    watchdog.start()
    try:
        yield Session(connection, where, deadline)
    finally:
        watchdog.cancel()
        with mutex:
            over.set()
            connection.close()


def silent(where: str) -> SourceError:
    return SourceError(f"{where} does not answer", "is it frozen, or the network? look from its own host")


def _connect(database: Database, region: str, where: str, deadline: Deadline) -> psycopg.Connection[Row]:
    import psycopg

    address = database.region(region)
    try:
        return psycopg.connect(
            host=address.host,
            port=address.port,
            dbname=database.name,
            user=database.user,
            password=database.password.reveal(),
            connect_timeout=max(LEAST_CONNECT_S, int(deadline.left_s)),
            application_name=APPLICATION,
            gssencmode="disable",
            autocommit=True,
            # A query that outlives us on the server would land when nobody expects it any more.
            options=f"-c statement_timeout={max(1, int(deadline.left_s * 1000))}",
            sslmode="verify-full" if database.ca else "prefer",
            sslrootcert=str(database.ca) if database.ca else None,
        )
    except KeelwatchError:
        raise
    except psycopg.Error as error:
        words = _words(error)
        if isinstance(error, psycopg.errors.ConnectionTimeout):
            raise silent(where) from None
        hint = (
            "check `database.user` and `password` in keelwatch.yaml"
            if "authentication" in words or "password" in words
            else "is it running, and its address right? see `database.regions` in keelwatch.yaml"
        )
        raise SourceError(f"cannot log in to {where}: {words}", hint) from None


def _hang_up(connection: psycopg.Connection[Row]) -> None:
    """Whoever waits on the socket sees its end at once."""
    import psycopg

    with (
        contextlib.suppress(OSError, psycopg.Error),
        socket.socket(fileno=os.dup(connection.fileno())) as line,
    ):
        line.shutdown(socket.SHUT_RDWR)


def _words(error: psycopg.Error) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
