"""What a failover acts on: an environment's edge, database and cache, region by region.

From `keelwatch.yaml`, or from the `estate.json` that a running sandbox writes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keelwatch.workspace.errors import SourceError, UsageError
from keelwatch.workspace.paths import endpoints_path
from keelwatch.workspace.secret import Secret, resolve

if TYPE_CHECKING:
    from keelwatch.workspace.model import AddressSpec, CacheSpec, DatabaseSpec, EdgeSpec, EnvironmentSpec

START = "keelwatch sandbox up"
RESTART = "it may be of another version: keelwatch sandbox down, then up"
EDGE_WORD = r"^[A-Za-z0-9_.:-]+$"
"""Names of backends and servers: they go into commands of the runtime API."""


@dataclass(frozen=True, slots=True)
class Address:
    host: str
    port: int

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Login:
    """Who logs in. The password is fetched when it is asked for, and never stored."""

    user: str | None
    _password: str | Secret | None
    _base: Path

    def password(self) -> Secret | None:
        """Raises `SourceError` when the reference leads nowhere."""
        return resolve(self._password, self._base) if isinstance(self._password, str) else self._password


@dataclass(frozen=True, slots=True)
class Edge:
    """HAProxy: `servers` maps each region to its servers in `backend`."""

    socket: Path
    backend: str
    servers: Mapping[str, Sequence[str]]

    def region(self, name: str) -> Sequence[str]:
        """Raises `UsageError` for a region that has no servers here."""
        return _of_region(self.servers, name, "the edge")


@dataclass(frozen=True, slots=True)
class Database:
    """PostgreSQL, one server a region. With `ca` it demands TLS and verifies it."""

    user: str
    name: str
    regions: Mapping[str, Address]
    ca: Path | None
    _login: Login

    @property
    def password(self) -> Secret:
        password = self._login.password()
        assert password is not None  # the format wants one
        return password

    def region(self, name: str) -> Address:
        """Raises `UsageError` for a region without a server."""
        return _of_region(self.regions, name, "the database")


@dataclass(frozen=True, slots=True)
class Cache:
    """Redis, one server a region. With `ca` it demands TLS and verifies it."""

    user: str | None
    regions: Mapping[str, Address]
    ca: Path | None
    _login: Login

    @property
    def password(self) -> Secret | None:
        return self._login.password()

    def region(self, name: str) -> Address:
        """Raises `UsageError` for a region without a server."""
        return _of_region(self.regions, name, "the cache")


@dataclass(frozen=True, slots=True)
class Estate:
    """What there is of `environment`. `sandbox` names the one it is, and is empty for any other."""

    environment: str
    sandbox: str
    edge: Edge | None
    database: Database | None
    cache: Cache | None

    def the_edge(self) -> Edge:
        """Raises `UsageError` when there is none; so do the other two."""
        return self._had(self.edge, "edge")

    def the_database(self) -> Database:
        return self._had(self.database, "database")

    def the_cache(self) -> Cache:
        return self._had(self.cache, "cache")

    def _had[T](self, part: T | None, key: str) -> T:
        if part is None:
            raise UsageError(f"{self.environment} has no {key}", f"add `{key}: ...` to it in keelwatch.yaml")
        return part


def find_estate(workspace: Path, environment: str, sandbox: str = "") -> Estate:
    """The estate as it is declared now; `sandbox` names another sandbox than the environment does.

    Raises `InputError` for a bad workspace, `UsageError` for an environment it does not have, and
    `SourceError` when its sandbox does not run.
    """
    from keelwatch.workspace.workspace import load_workspace

    loaded = load_workspace(workspace)
    name, spec = loaded.environment(environment)
    if sandbox:
        spec = spec.model_copy(update={"sandbox": sandbox})
    return estate_of(name, spec, loaded.root)


def estate_of(name: str, environment: EnvironmentSpec, root: Path) -> Estate:
    """The estate of an environment; `root` is the workspace's folder, to which its files are relative.

    Raises `SourceError` when its sandbox does not run.
    """
    if environment.source == "sandbox":
        return _of_sandbox(name, environment.sandbox)
    edge, database, cache = environment.edge, environment.database, environment.cache
    return Estate(
        environment=name,
        sandbox="",
        edge=_edge(edge, root) if edge else None,
        database=_database(database, root) if database else None,
        cache=_cache(cache, root) if cache else None,
    )


def _edge(spec: EdgeSpec, root: Path) -> Edge:
    return Edge(
        root / spec.socket, spec.backend, {region: tuple(ones) for region, ones in spec.servers.items()}
    )


def _database(spec: DatabaseSpec, root: Path) -> Database:
    login = Login(spec.user, spec.password, root)
    return Database(
        spec.user, spec.name, _addresses(spec.regions), root / spec.ca if spec.ca else None, login
    )


def _cache(spec: CacheSpec, root: Path) -> Cache:
    login = Login(spec.user, spec.password, root)
    return Cache(spec.user, _addresses(spec.regions), root / spec.ca if spec.ca else None, login)


def _addresses(regions: Mapping[str, AddressSpec]) -> dict[str, Address]:
    return {region: Address(one.host, one.port) for region, one in regions.items()}


def _of_sandbox(name: str, sandbox: str) -> Estate:
    path = endpoints_path(sandbox)
    try:
        told = json.loads(Path(json.loads(path.read_text())["estate_file"]).read_text())
        parts: dict[str, Callable[[Any, Path], Any]] = {
            "edge": _told_edge,
            "database": _told_database,
            "cache": _told_cache,
        }
        found = {key: read(told[key], path.parent) for key, read in parts.items()}
    except FileNotFoundError:
        raise SourceError(f"the sandbox {sandbox} is not running", START) from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(
            f"cannot read what the sandbox {sandbox} is made of: {type(error).__name__} in {path}", RESTART
        ) from None
    return Estate(name, sandbox, found["edge"], found["database"], found["cache"])


def _told_edge(told: Mapping[str, Any], base: Path) -> Edge:
    servers = {str(region): tuple(_word(one) for one in ones) for region, ones in told["servers"].items()}
    return Edge(base / str(told["socket"]), _word(told["backend"]), servers)


def _told_database(told: Mapping[str, Any], base: Path) -> Database:
    user, name = str(told["user"]), str(told["name"])
    return Database(user, name, _told_addresses(told), None, Login(user, Secret(str(told["password"])), base))


def _told_cache(told: Mapping[str, Any], base: Path) -> Cache:
    return Cache(None, _told_addresses(told), None, Login(None, Secret(str(told["password"])), base))


def _told_addresses(told: Mapping[str, Any]) -> dict[str, Address]:
    return {str(one): Address(str(at["host"]), int(at["port"])) for one, at in told["regions"].items()}


def _word(told: object) -> str:
    if not isinstance(told, str) or not re.fullmatch(EDGE_WORD, told):
        raise ValueError(told)
    return told


def _of_region[T](parts: Mapping[str, T], name: str, what: str) -> T:
    try:
        return parts[name]
    except KeyError:
        known = ", ".join(parts)
        raise UsageError(f"{what} has no region {name!r}", f"there are: {known}") from None
