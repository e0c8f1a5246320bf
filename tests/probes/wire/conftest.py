from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme


@dataclass(frozen=True)
class Authority:
    """A CA, its file, and a server's context with a certificate for localhost."""

    ca: trustme.CA
    file: Path

    def server(self, **certificate: object) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        issued = self.ca.issue_cert("localhost", "127.0.0.1", **certificate)  # type: ignore[arg-type]
        issued.configure_cert(context)
        return context


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return make_authority(tmp_path / "ca.pem")


def make_authority(file: Path) -> Authority:
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(file))
    return Authority(ca, file)
