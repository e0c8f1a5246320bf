"""A connection to one region's Redis, and what it says of itself. The only module that knows redis-py.

Raises `SourceError` naming the region, the address and what to do. Never retries: a command that may have
been carried out is not sent again.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from keelwatch.workspace.errors import Refused, SourceError
from keelwatch.workspace.estate import Cache

if TYPE_CHECKING:
    import redis

ANSWER_S = 2.0
NEEDED, REWRITE = ("INFO replication", "ROLE", "REPLICAOF NO ONE"), "CONFIG REWRITE"
HOLD = ("CLIENT PAUSE 1 WRITE", "CLIENT UNPAUSE")


@dataclass(frozen=True, slots=True)
class Replication:
    """`offset`: bytes of the replication stream written (primary) or applied (replica); `history` names the
    stream, and a promotion begins another. `follows` is (host, port) of a replica's primary."""

    region: str
    is_replica: bool
    offset: int
    history: str
    follows: tuple[str, int] | None
    is_linked: bool
    is_syncing: bool

    @property
    def words(self) -> str:
        if self.follows is None:
            return f"{self.region} is primary at offset {self.offset}"
        link = "syncing" if self.is_syncing else "linked" if self.is_linked else "not linked"
        host, port = self.follows
        return f"{self.region} is replica of {host}:{port}, {link}, at offset {self.offset}"


class Connection:
    """Every method raises `SourceError` for what the server refuses or does not answer."""

    def __init__(self, client: redis.Redis, region: str, where: str) -> None:
        self._client = client
        self._region = region
        self._where = where

    def replication(self) -> Replication:
        told = self._ask("INFO", "replication")
        try:
            is_replica = told["role"] == "slave"
            return Replication(
                region=self._region,
                is_replica=is_replica,
                offset=int(told["slave_repl_offset" if is_replica else "master_repl_offset"]),
                history=str(told["master_replid"]),
                follows=(str(told["master_host"]), int(told["master_port"])) if is_replica else None,
                is_linked=told.get("master_link_status") == "up",
                is_syncing=bool(int(told.get("master_sync_in_progress", 0))),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise SourceError(
                f"{self._where} answered INFO with something else than expected ({type(error).__name__})",
                "is it Redis, without a proxy in between?",
            ) from None

    def role(self) -> str:
        """`master` or `slave`, in Redis' own word."""
        told = self._ask("ROLE")
        if not isinstance(told, list) or not told or told[0] not in {"master", "slave"}:
            raise SourceError(f"{self._where} answered ROLE with something else than expected")
        return str(told[0])

    def forbidden(self, commands: Iterable[str]) -> list[str] | None:
        """Those of `commands` that we may not give; None where the server does not tell: before Redis 7, or
        to one who may not ask."""
        import redis

        with self._in_our_words():
            execute: Any = self._client.execute_command
            try:
                user = execute("ACL", "WHOAMI")
                return [one for one in commands if execute("ACL", "DRYRUN", user, *one.split()) != "OK"]
            except redis.ResponseError:
                return None

    def follow(self, host: str, port: int) -> bool:
        """Whether a restart keeps it so: a server without a configuration file forgets."""
        return self._replicaof(host, str(port))

    def follow_nobody(self) -> bool:
        """As `follow`."""
        return self._replicaof("NO", "ONE")

    def _replicaof(self, *words: str) -> bool:
        """Both commands go out at once: whoever dies here leaves no role that a restart would lose."""
        import redis

        pipeline: Any = self._client.pipeline(transaction=False)
        with self._in_our_words():
            pipeline.execute_command("REPLICAOF", *words)
            pipeline.execute_command("CONFIG", "REWRITE")
            changed, kept = pipeline.execute(raise_on_error=False)
            if isinstance(changed, redis.RedisError):
                raise changed
        return not isinstance(kept, Exception)

    def hold_writes(self, for_s: float) -> bool:
        """Whoever writes waits, so that nothing is acknowledged any more; ends by itself. False where the
        server does not do that: before Redis 6.2, or for one who may not ask it to."""
        return self._does("CLIENT", "PAUSE", str(int(for_s * 1000)), "WRITE")

    def release_writes(self) -> bool:
        return self._does("CLIENT", "UNPAUSE")

    def _does(self, *words: str) -> bool:
        """Whether the server carries out a command that it need not know."""
        import redis

        with self._in_our_words():
            execute: Any = self._client.execute_command
            try:
                execute(*words)
            except redis.ResponseError:
                return False
        return True

    def _ask(self, *words: str) -> Any:
        """A foreign answer: read by the caller before it goes any further."""
        with self._in_our_words():
            execute: Any = self._client.execute_command
            return execute(*words)

    @contextmanager
    def _in_our_words(self) -> Iterator[None]:
        import redis

        try:
            yield
        except redis.TimeoutError:
            raise SourceError(f"{self._where} does not answer", "is it frozen, or the network?") from None
        except redis.AuthenticationError as error:
            raise _locked_out(self._where, error) from None
        except redis.ConnectionError as error:
            raise SourceError(
                f"cannot reach {self._where}: {_words(error)}",
                "is it running, and its address right? see `cache.regions` in keelwatch.yaml",
            ) from None
        except redis.RedisError as error:
            if isinstance(error, redis.exceptions.NoPermissionError):
                raise _locked_out(self._where, error) from None
            raise SourceError(f"{self._where}: {_words(error)}", "see its log") from None


@contextmanager
def connection(cache: Cache, region: str, within_s: float = ANSWER_S) -> Iterator[Connection]:
    """To the server of `region`; each answer is awaited `within_s`."""
    import redis
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    address, password = cache.region(region), cache.password
    client = redis.Redis(
        host=address.host,
        port=address.port,
        username=cache.user,
        password=password.reveal() if password else None,
        socket_timeout=within_s,
        socket_connect_timeout=within_s,
        retry=Retry(NoBackoff(), 0),
        decode_responses=True,
        protocol=2,
        client_name="keelwatch",
        ssl=cache.ca is not None,
        ssl_ca_certs=str(cache.ca) if cache.ca else None,
    )
    try:
        yield Connection(client, region, f"Redis of {region} ({address})")
    finally:
        client.close()


def ask_access(cache: Cache, region: str) -> tuple[str, ...]:
    """Whoever we log in as may change roles. Raises `Refused` when not. Without CONFIG REWRITE a role is
    changed all the same, and a restart forgets it."""
    user = _user(cache)
    with connection(cache, region) as asked:
        forbidden = asked.forbidden([*NEEDED, REWRITE])
        if forbidden is None:
            asked.replication()  # let in at least
    lacking = [one for one in forbidden or () if one in NEEDED]
    if lacking:
        names = [one.split()[0] for one in lacking]
        rules = " ".join(f"+{one.lower()}" for one in names)
        raise Refused(
            f"{user} may not run {', '.join(names)} on Redis of {region} ({cache.region(region)})",
            f"there: ACL SETUSER {user} {rules}; or name another: `cache.user` in keelwatch.yaml",
        )
    needed = "Redis: INFO, ROLE, REPLICAOF, CONFIG REWRITE"
    if forbidden is None:
        return (f"{needed} (not asked: the server of {region} does not tell)",)
    return (f"{needed} ({user} may not: a restart of {region} forgets its role)" if forbidden else needed,)


def ask_hold(cache: Cache, region: str) -> tuple[str, ...]:
    """What stands against it that the primary beside `region` holds its writes; nothing when it may be asked
    to, or cannot be asked now."""
    try:
        primary = primary_beside(cache, region)
        if primary is None:
            return ()
        with connection(cache, primary.region) as asked:
            forbidden = asked.forbidden(HOLD)
    except (SourceError, Refused):
        return ()  # a plan says so
    if not forbidden:
        return ()
    words = ", ".join(" ".join(one.split()[:2]) for one in forbidden)
    return (f"{_user(cache)} may not {words} at {primary.region}: it holds no writes for the promotion",)


def _user(cache: Cache) -> str:
    return cache.user or "default"


def replication_of(cache: Cache, region: str) -> Replication:
    """Raises `SourceError` when it cannot be asked."""
    with connection(cache, region) as asked:
        return asked.replication()


def primary_beside(cache: Cache, region: str) -> Replication | None:
    """The primary among the other regions that answer; None when there is none. Raises `Refused` when there
    are several, for then nobody can tell whom to follow."""
    found = []
    for name in cache.regions:
        if name != region:
            one = _or_none(cache, name)
            found += [one] if one and not one.is_replica else []
    if len(found) > 1:
        raise Refused(
            "several regions are primary: " + "; ".join(one.words for one in found),
            "make all but one of them replicas: redis.follow",
        )
    return found[0] if found else None


def _or_none(cache: Cache, region: str) -> Replication | None:
    try:
        return replication_of(cache, region)
    except SourceError:
        return None


def _locked_out(where: str, error: Exception) -> SourceError:
    return SourceError(
        f"{where} does not let us in: {_words(error)}", "check `cache.user` and `password` in keelwatch.yaml"
    )


def _words(error: Exception) -> str:
    return " ".join(str(error).split())[:300] or type(error).__name__
