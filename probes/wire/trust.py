"""Whom we believe: one TLS context per CA file and process, for building one stops the loop for 25 ms."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from keelwatch.workspace.errors import SourceError

type Version = tuple[int, int]  # when a file was changed (ns), and its size in bytes

_known: dict[Path | None, tuple[Version, Trust]] = {}


@dataclass(frozen=True, slots=True, eq=False)
class Trust:
    """Certificates are always verified, against `context`."""

    context: ssl.SSLContext

    @classmethod
    def of(cls, ca: Path | None) -> Trust:
        """Trust in the authorities of the PEM file `ca`, or in those of the host. The same object until the
        file changes. Raises `SourceError` for a file that cannot be read."""
        try:
            version = _version(ca)
            known = _known.get(ca)
            if known is None or known[0] != version:
                known = _known[ca] = (version, cls(_context(ca)))
        except OSError as error:  # ssl.SSLError is one too
            reason = error.strerror or str(error)
            hint = "a PEM file with at least one certificate is wanted"
            raise SourceError(f"the CA file {ca} cannot be used: {reason}", hint) from None
        return known[1]


def _version(ca: Path | None) -> Version:
    if ca is None:
        return (0, 0)
    status = ca.stat()
    return (status.st_mtime_ns, status.st_size)


def _context(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=_authorities(ca))
    # Python 3.13 turned both on, 3.12 has them off. Browsers accept what the first refuses, so do customers.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    return context


def _authorities(ca: Path | None) -> Path | str | None:
    """None: the host's. A slim container has none of its own; httpx always brings some."""
    if ca is not None:
        return ca
    paths = ssl.get_default_verify_paths()
    folder = Path(paths.capath) if paths.capath else None
    if paths.cafile or (folder is not None and any(folder.iterdir())):
        return None
    import certifi

    return certifi.where()
