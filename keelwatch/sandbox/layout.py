"""What one sandbox consists of: its folder, identity, ports and passwords.

The supervisor writes it to `layout.json` (0600); every Python child reads it from there, so that no
password stands on a command line or in an environment.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from keelwatch.sandbox.ports import REGIONS

IDENTITY_VARIABLE = "KEELWATCH_SANDBOX"
FILE = "layout.json"
DEFAULT_SEED = 20_260_101
CUSTOMERS_PER_SECOND = 20.0
HISTORY_DAYS = 35.0


@dataclass(frozen=True, slots=True)
class Passwords:
    """Random per state folder; they guard loopback ports against other users of the machine."""

    postgres: str
    portal: str
    replicator: str
    redis: str
    billing: str
    pseudonym_key: str


@dataclass(frozen=True, slots=True)
class Layout:
    name: str
    id: str
    folder: Path
    ports: Mapping[str, int]
    passwords: Passwords
    seed: int
    requests_per_second: float
    history_days: float

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def faults_file(self) -> Path:
        return self.folder / "faults.json"

    @property
    def flags_file(self) -> Path:
        return self.folder / "flags.json"

    @property
    def ca_file(self) -> Path:
        return self.folder / "tls" / "ca.pem"

    @property
    def signing_key_file(self) -> Path:
        return self.folder / "tls" / "id-token.pem"

    @property
    def accounts_file(self) -> Path:
        return self.folder / "accounts.json"

    @property
    def estate_file(self) -> Path:
        return self.folder / "estate.json"

    @property
    def heartbeat_file(self) -> Path:
        return self.folder / "data" / "heartbeat.jsonl"

    def port(self, service: str, region: str, start: str | None = None) -> int:
        """Where whoever is in the region `start` (None: in no region) finds the `service` of `region`: the
        other region's is reached over the link."""
        return self.ports[f"{region}-{service}" if start in {None, region} else f"{start}-{region}-{service}"]

    def conninfo(self, region: str, application: str) -> str:
        """How a portal process reaches the PostgreSQL of `region` directly."""
        return self._conninfo(f"host=127.0.0.1 port={self.port('postgres', region)}", application)

    def primary_conninfo(self, application: str, start: str | None = None) -> str:
        """How a portal process in the region `start` reaches whichever PostgreSQL is writable; its own is
        asked first. None: a process outside the regions."""
        regions = sorted(REGIONS, key=lambda region: region != (start or REGIONS[0]))
        ports = ",".join(str(self.port("postgres", region, start)) for region in regions)
        hosts = ",".join("127.0.0.1" for _ in regions)
        where = f"host={hosts} port={ports} target_session_attrs=read-write"
        return self._conninfo(where, application)

    def _conninfo(self, where: str, application: str) -> str:
        options = "-c statement_timeout=2000 -c idle_in_transaction_session_timeout=5000"
        return (
            f"{where} dbname=portal user=portal password={self.passwords.portal} connect_timeout=2 "
            f"application_name={application} sslmode=disable options='{options}'"
        )

    def save(self) -> None:
        document = asdict(self) | {"folder": str(self.folder), "ports": dict(self.ports)}
        write_private(self.folder / FILE, json.dumps(document, indent=1))


def load(folder: Path) -> Layout:
    """The layout of the sandbox in `folder`, as its supervisor wrote it."""
    document = json.loads((folder / FILE).read_text())
    return Layout(
        name=document["name"],
        id=document["id"],
        folder=folder,
        ports=document["ports"],
        passwords=Passwords(**document["passwords"]),
        seed=document["seed"],
        requests_per_second=document["requests_per_second"],
        history_days=document["history_days"],
    )


def write_private(path: Path, text: str) -> None:
    """Replace `path` atomically, with mode 0600."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    fresh.unlink(missing_ok=True)
    handle = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    fresh.replace(path)
