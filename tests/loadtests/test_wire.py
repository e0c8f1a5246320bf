"""Whom a load believes: the authorities that its environment names, read once however many customers come."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.probes.wire.conftest import make_authority
from tests.probes.wire.portal import Portal, Reader, Writer, answer, portal

CUSTOMERS = 3
ASKS = """\
import json, sys
from pathlib import Path
import gevent.monkey; gevent.monkey.patch_all()
from gevent.ssl import SSLContext
from locust.env import Environment
from loadtests.worker.wire import LoadWire, driven
from probes.wire import WireFailure, WireRequest

scheme, name, port, url, ca, customers = sys.argv[1:]
told, reads, read = [], [], SSLContext.load_verify_locations


def counted(context, *args, **named):
    reads.append(args or named)
    return read(context, *args, **named)


SSLContext.load_verify_locations = counted
for _ in range(int(customers)):
    wire = LoadWire(Environment(), url, Path(ca), frozenset({(scheme, name, int(port))}))
    try:
        told.append(driven(wire.send(WireRequest("GET", url))).status)
    except WireFailure as failure:
        told.append(failure.cause)
    wire.close()
print(json.dumps([told, len(reads)]))
"""


async def fine(head: str, reader: Reader, writer: Writer) -> None:
    writer.write(answer())


def told_by(server: Portal, ca: Path) -> tuple[list[object], int]:
    """What each customer came to, and how often authorities were read; in a process of its own, for Locust
    changes the one that loads it."""
    words = [server.scheme, server.name, str(server.port), server.url(), str(ca), str(CUSTOMERS)]
    done = subprocess.run(
        [sys.executable, "-c", ASKS, *words], capture_output=True, text=True, timeout=60, check=True
    )
    told, reads = json.loads(done.stdout)
    return told, reads


def test_authorities_are_read_once_for_all_customers(tmp_path: Path) -> None:
    authority = make_authority(tmp_path / "ca.pem")
    with portal(fine, authority.server()) as server:
        assert told_by(server, authority.file) == ([200] * CUSTOMERS, 1)


def test_a_certificate_of_another_authority_is_refused(tmp_path: Path) -> None:
    other = make_authority(tmp_path / "other.pem")
    with portal(fine, make_authority(tmp_path / "ca.pem").server()) as server:
        assert told_by(server, other.file) == (["tls"] * CUSTOMERS, 1)
