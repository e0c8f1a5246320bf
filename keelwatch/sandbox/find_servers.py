"""Finds the servers a sandbox is made of, where the distributions put them."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from keelwatch.workspace import SourceError

PACKAGES: Mapping[str, str] = {
    "postgres": "postgresql",
    "initdb": "postgresql",
    "pg_basebackup": "postgresql",
    "pg_rewind": "postgresql",
    "redis-server": "redis-server",
    "haproxy": "haproxy",
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "setpriv": "util-linux",
}
SYSTEM_FOLDERS = ("/usr/sbin", "/usr/local/sbin", "/sbin", "/usr/bin", "/usr/local/bin")


@dataclass(frozen=True, slots=True)
class Servers:
    """Full paths of the programs; `postgres_version` is the major version. Without Lua the edge cannot be
    made slow."""

    programs: Mapping[str, str]
    postgres_version: int
    haproxy_has_lua: bool

    def __getitem__(self, program: str) -> str:
        return self.programs[program]


def find_servers(folders: str | None = None) -> Servers:
    """Every program of `PACKAGES`, looked for in `folders` (PATH syntax; default: PATH and the usual places).

    Raises one `SourceError` naming everything that is missing and the packages that bring it.
    """
    search = folders if folders is not None else _default_search()
    found = {program: shutil.which(program, path=search) for program in PACKAGES}
    missing = [program for program, path in found.items() if path is None]
    if missing:
        packages = " ".join(dict.fromkeys(PACKAGES[program] for program in missing))
        raise SourceError(
            f"the sandbox needs programs that are not installed: {', '.join(missing)}",
            f"apt-get install {packages}",
        )
    programs = {program: path for program, path in found.items() if path is not None}
    has_lua = "USE_LUA=1" in _told(programs["haproxy"], "-vv")
    return Servers(programs, _postgres_version(programs["postgres"]), has_lua)


def _default_search() -> str:
    folders = os.environ.get("PATH", "").split(os.pathsep)
    return os.pathsep.join([*_postgres_folders(), *filter(None, folders), *SYSTEM_FOLDERS])


def _postgres_folders() -> list[str]:
    """Newest first: Debian keeps the server programs of each version off PATH."""
    found = [*Path("/usr/lib/postgresql").glob("*/bin"), *Path("/usr").glob("pgsql-*/bin")]
    return [str(path) for path in sorted(found, key=_version_in_path, reverse=True)]


def _version_in_path(path: Path) -> int:
    numbers = re.findall(r"\d+", path.parent.name)
    return int(numbers[0]) if numbers else 0


def _postgres_version(program: str) -> int:
    numbers = re.findall(r"\d+", _told(program, "--version"))
    if not numbers:
        raise SourceError(f"{program} --version tells no version", "reinstall the package postgresql")
    return int(numbers[0])


def _told(program: str, option: str) -> str:
    try:
        return subprocess.run(
            [program, option], capture_output=True, text=True, timeout=10, check=False
        ).stdout
    except (OSError, subprocess.TimeoutExpired) as error:
        raise SourceError(f"{program} {option} fails: {type(error).__name__}", "reinstall it") from None
