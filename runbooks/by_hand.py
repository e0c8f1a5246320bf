"""What a person types to do what a verb does, when Keelwatch itself is not there. Pure.

Hosts come from the environment. What is not known of it stands as WORDS IN CAPITALS, and `Places` says why.
Passwords never appear: the tools ask for them.
"""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from runbooks.inputs import names_in

if TYPE_CHECKING:
    from keelwatch.ledger import JsonObject
    from keelwatch.runs import Action
    from keelwatch.workspace.entrance import Entrance
    from keelwatch.workspace.estate import Address, Database, Estate

READ_ONLY = "ALTER SYSTEM SET default_transaction_read_only = on"
MAY_WRITE = "ALTER SYSTEM RESET default_transaction_read_only"
RELOAD = "SELECT pg_reload_conf()"
END_SESSIONS = (
    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity"
    " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
)
OTHER = "OTHER-REGION"
CAUGHT_UP = (
    "# go on when slave_repl_offset here is master_repl_offset there, within 60 s of the first line;"
    " else let go of the writes: CLIENT UNPAUSE, there"
)
IN_REACH = "# ungraceful, the old region out of reach: leave out the lines up to `go on`"
ROLE = "SELECT pg_is_in_recovery() AS is_standby, now() - pg_last_xact_replay_timestamp() AS behind"


@dataclass(frozen=True, slots=True)
class Sight:
    """What is known when a runbook is rendered. `values`: input to value; `reason`: why estate or entrance is
    missing."""

    environment: str = ""
    values: Mapping[str, str] = field(default_factory=dict)
    estate: Estate | None = None
    entrance: Entrance | None = None
    reason: str = "no environment was named (--env)"


class Places:
    """Where things are, of one rendering; `missing` collects what could not be told, by the reason."""

    def __init__(self, sight: Sight) -> None:
        self._sight = sight
        self.missing: dict[str, list[str]] = {}

    @property
    def environment(self) -> str:
        return self._sight.environment or self._miss("ENVIRONMENT", "the environment", self._sight.reason)

    def psql(self, region: str, *statements: str) -> str:
        database = self._sight.estate.database if self._sight.estate else None
        at = self._of(database.regions if database else None, region, "database")
        words = " ".join(f"-c {_quoted(one)}" for one in statements)
        return f"psql {_login(at, database)} {words}"

    def conninfo(self, region: str) -> str:
        """How one server reaches another."""
        database = self._sight.estate.database if self._sight.estate else None
        at = self._of(database.regions if database else None, region, "database")
        if isinstance(at, str) or database is None:
            return f"host={at}"
        return f"host={at.host} port={at.port} user={database.user} dbname={database.name}"

    def redis(self, region: str, *words: str) -> str:
        at = self.cache(region)
        where = f"-h {at}" if isinstance(at, str) else f"-h {at.host} -p {at.port}"
        return " ".join(["redis-cli", where, "--askpass", *words])

    def cache(self, region: str) -> Address | str:
        cache = self._sight.estate.cache if self._sight.estate else None
        return self._of(cache.regions if cache else None, region, "cache")

    def others(self, part: str, region: str) -> list[str]:
        """The regions beside `region` that have one; `OTHER` when none is known."""
        estate = self._sight.estate
        held = None if estate is None else estate.database if part == "database" else estate.cache
        return [one for one in (held.regions if held else {}) if one != region] or [OTHER]

    def edge(self, command: Callable[[str], str], *regions: str) -> str:
        """One line to HAProxy's runtime API: `command` of each server of these regions."""
        edge = self._sight.estate.edge if self._sight.estate else None
        lines = []
        for region in regions:
            servers = self._of(edge.servers if edge else None, region, "servers")
            named = [servers] if isinstance(servers, str) else servers
            lines += [command(f"{edge.backend if edge else 'BACKEND'}/{server}") for server in named]
        return self._to_edge("; ".join(lines))

    def ask_edge(self, question: str) -> str:
        """`show servers QUESTION` of the backend."""
        edge = self._sight.estate.edge if self._sight.estate else None
        return self._to_edge(f"show servers {question} {edge.backend if edge else 'BACKEND'}")

    def _to_edge(self, command: str) -> str:
        edge = self._sight.estate.edge if self._sight.estate else None
        socket = str(edge.socket) if edge else self._miss("EDGE-SOCKET", "the edge", self._why("edge"))
        return f"echo {shlex.quote(command)} | socat stdio UNIX-CONNECT:{shlex.quote(socket)}"

    def url(self, path: str, region: str) -> str:
        if not path.startswith("/"):
            return path
        entrance = self._sight.entrance
        if entrance is None:
            return self._miss("PORTAL", "the portal", self._sight.reason) + path
        if not region:
            return entrance.edge.rstrip("/") + path
        base = self._of(entrance.regions, region, "portal")
        return base.rstrip("/") + path

    def _of[T](self, regions: Mapping[str, T] | None, region: str, what: str) -> T | str:
        word = f"{what}-of-{region}".upper().replace("$", "")
        if regions is None:
            return self._miss(word, f"the {what} of {region}", self._why(what))
        if region in regions:
            return regions[region]
        if names_in(region):
            return self._miss(word, f"the {what} of {region}", f"the input {region} has no value")
        known = ", ".join(regions)
        return self._miss(
            word, f"the {what} of {region}", f"{self._sight.environment} has it in {known} only"
        )

    def _why(self, what: str) -> str:
        """Why there is no such part at all."""
        return f"{self._sight.environment} has no {what}" if self._sight.estate else self._sight.reason

    def _miss(self, word: str, what: str, reason: str) -> str:
        named = self.missing.setdefault(reason, [])
        if what not in named and OTHER not in what:
            named.append(what)
        return word


def _login(at: Address | str, database: Database | None) -> str:
    if isinstance(at, str) or database is None:
        return f"-h {at}"
    return f"-h {at.host} -p {at.port} -U {database.user} -d {database.name}"


def _quoted(words: str) -> str:
    """For a shell, in the quotes that are the easier to type."""
    return f'"{words}"' if "'" in words and not set(words) & set('"$`!\\') else shlex.quote(words)


def by_hand(action: Action, places: Places) -> list[str]:
    """Command lines, in order, and between them what a person decides, which begins with `# `. None where
    only a person, or a tool of their own, can do it."""
    look = COMMANDS.get(action.verb)
    return look(action.args, places) if look else []


def look_before(action: Action, places: Places) -> list[str]:
    """Those that tell what must be noted first, so that `back_by_hand` can restore it."""
    return [places.ask_edge("state")] if action.verb == "edge.weight" else []


def back_by_hand(action: Action, places: Places) -> list[str]:
    """Those that restore what was before, for verbs that can."""
    look = BACK.get(action.verb)
    return look(action.args, places) if look else []


def _edge_weight(args: JsonObject, places: Places) -> list[str]:
    weights = args["weights"]
    assert isinstance(weights, Mapping)
    # Those that get more come first: no moment in which nobody serves.
    order = sorted(weights.items(), key=lambda one: -_number(one[1]))
    return [
        places.edge(lambda server, weight=weight: f"set server {server} weight {weight}", region)  # type: ignore[misc]
        for region, weight in order
    ]


def _edge_weight_back(args: JsonObject, places: Places) -> list[str]:
    weights = args["weights"]
    assert isinstance(weights, Mapping)
    return [places.edge(lambda server: f"set server {server} weight BEFORE", *weights)]


def _edge_drain(args: JsonObject, places: Places) -> list[str]:
    region = _text(args, "region")
    return [
        places.edge(lambda server: f"set server {server} state drain", region),
        places.ask_edge("conn"),
    ]


def _edge_ready(args: JsonObject, places: Places) -> list[str]:
    return [places.edge(lambda server: f"set server {server} state ready", _text(args, "region"))]


def _pg_lag(args: JsonObject, places: Places) -> list[str]:
    return [places.psql(_text(args, "region"), ROLE)]


def _pg_fence(args: JsonObject, places: Places) -> list[str]:
    region = _text(args, "region")
    return [
        places.psql(region, READ_ONLY, RELOAD, END_SESSIONS),
        places.psql(region, "SHOW default_transaction_read_only"),
    ]


def _pg_unfence(args: JsonObject, places: Places) -> list[str]:
    return [places.psql(_text(args, "region"), MAY_WRITE, RELOAD)]


def _pg_promote(args: JsonObject, places: Places) -> list[str]:
    region = _text(args, "region")
    promote = places.psql(region, MAY_WRITE, RELOAD, "SELECT pg_promote(true, 30)")
    if args.get("mode") == "ungraceful":
        return [promote]
    return [
        IN_REACH,
        *(places.psql(one, "SELECT pg_current_wal_lsn()") for one in places.others("database", region)),
        places.psql(region, "SELECT pg_last_wal_replay_lsn()"),
        "# go on when both are the same",
        promote,
    ]


def _pg_rejoin(args: JsonObject, places: Places) -> list[str]:
    """On the host of the region, as the user that runs it; DATA is its data folder."""
    source = places.conninfo(places.others("database", _text(args, "region"))[0])
    return [
        "pg_ctl -D DATA -m fast stop",
        f"pg_rewind -D DATA --source-server={shlex.quote(source)} -R",
        "pg_ctl -D DATA start",
        places.psql(_text(args, "region"), ROLE),
    ]


def _redis_promote(args: JsonObject, places: Places) -> list[str]:
    region = _text(args, "region")
    promote = [*_kept(places, region, "REPLICAOF NO ONE"), places.redis(region, "ROLE")]
    if args.get("mode") == "ungraceful":
        return promote
    others = places.others("cache", region)
    return [
        IN_REACH,
        *(places.redis(one, "CLIENT PAUSE 60000 WRITE") for one in others),
        *(places.redis(one, "INFO replication") for one in others),
        places.redis(region, "INFO replication"),
        CAUGHT_UP,
        *promote,
    ]


def _redis_promote_back(args: JsonObject, places: Places) -> list[str]:
    others = places.others("cache", _text(args, "region"))
    return [*_redis_rejoin(args, places), *(places.redis(one, "CLIENT UNPAUSE") for one in others)]


def _redis_rejoin(args: JsonObject, places: Places) -> list[str]:
    region = _text(args, "region")
    at = places.cache(places.others("cache", region)[0])
    where = at if isinstance(at, str) else f"{at.host} {at.port}"
    return [
        *_kept(places, region, f"REPLICAOF {where}"),
        places.redis(region, "CLIENT UNPAUSE"),
        places.redis(region, "INFO replication"),
    ]


def _kept(places: Places, region: str, command: str) -> list[str]:
    """The second line keeps it over a restart."""
    return [places.redis(region, command), places.redis(region, "CONFIG REWRITE")]


def _http_call(args: JsonObject, places: Places) -> list[str]:
    words = ["curl", "-sS", "-X", _text(args, "method").upper()]
    words.append(places.url(_text(args, "url"), _text(args, "region")))
    headers = args.get("headers")
    for name, value in headers.items() if isinstance(headers, Mapping) else ():
        words += ["-H", f"{name}: {value}"]
    words += ["-H", f"{_text(args, 'key_header')}: ONE-KEY-FOR-ALL-ATTEMPTS"]
    if "bearer" in args:
        words += ["-H", "Authorization: Bearer TOKEN"]
    if "body" in args:
        words += ["-H", "Content-Type: application/json", "-d", json.dumps(args["body"])]
    return [shlex.join(words)]


def _probe(args: JsonObject, places: Places) -> list[str]:
    journeys = args.get("journeys")
    named = " ".join(str(one) for one in journeys) if isinstance(journeys, list) else "--all"
    return [f"keelwatch probe run {named} --region {_text(args, 'region')} --env {places.environment}"]


def _slo_hold(args: JsonObject, places: Places) -> list[str]:  # noqa: ARG001 - as the others of the table
    return [f"keelwatch slo list --env {places.environment}"]


def _notify(args: JsonObject, places: Places) -> list[str]:  # noqa: ARG001
    command = args.get("command")
    if not isinstance(command, list):
        return []
    said = shlex.quote(_text(args, "text"))
    return [f"echo {said} | {shlex.join(str(one) for one in command)}"]


def _shell(args: JsonObject, places: Places) -> list[str]:  # noqa: ARG001
    command = args["command"]
    assert isinstance(command, list)
    return [shlex.join(str(one) for one in command)]


def _text(args: JsonObject, key: str) -> str:
    found = args.get(key, "")
    return found if isinstance(found, str) else ""


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0


COMMANDS: Mapping[str, Callable[[JsonObject, Places], list[str]]] = {
    "edge.weight": _edge_weight,
    "edge.drain": _edge_drain,
    "edge.ready": _edge_ready,
    "pg.lag": _pg_lag,
    "pg.fence": _pg_fence,
    "pg.unfence": _pg_unfence,
    "pg.promote": _pg_promote,
    "pg.rejoin": _pg_rejoin,
    "redis.promote": _redis_promote,
    "redis.rejoin": _redis_rejoin,
    "http.call": _http_call,
    "probe": _probe,
    "slo.hold": _slo_hold,
    "notify": _notify,
    "shell": _shell,
}
BACK: Mapping[str, Callable[[JsonObject, Places], list[str]]] = {
    "edge.weight": _edge_weight_back,
    "edge.drain": _edge_ready,
    "pg.fence": _pg_unfence,
    "redis.promote": _redis_promote_back,
}
