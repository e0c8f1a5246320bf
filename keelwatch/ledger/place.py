"""Where a ledger may live: a local filesystem. Locks and shared memory lie on network ones."""

from __future__ import annotations

import os
import re
from pathlib import Path

from keelwatch.workspace.errors import SourceError

NETWORK = {"9p", "afs", "beegfs", "ceph", "cifs", "coda", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs"}
NETWORK |= {"nfs", "nfs4", "ocfs2", "orangefs", "pvfs2", "smb", "smb2", "smb3", "smbfs"}
NETWORK_FUSE = re.compile(r"fuse\.(ceph|curlftpfs|davfs|gcsfuse|gluster|goofys|rclone|s3fs|smb|sshfs)")
MOUNTS = Path("/proc/self/mountinfo")


def refuse_network_filesystem(path: Path, mountinfo: str | None = None) -> None:
    """Raise `SourceError` when `path` lies on a network filesystem.

    `mountinfo` is the text of /proc/self/mountinfo, read when not given; where there is none
    (not Linux) nothing is known and nothing is refused.
    """
    if mountinfo is None:
        mountinfo = MOUNTS.read_text(errors="surrogateescape") if MOUNTS.exists() else ""
    kind = filesystem_of(Path(os.path.realpath(path)), mountinfo)
    if kind in NETWORK or NETWORK_FUSE.match(kind):
        raise SourceError(
            f"{path} is on {kind}, a network filesystem: locks there do not hold, so facts could be lost",
            "set KEELWATCH_STATE to a folder on a local disk",
        )


def filesystem_of(path: Path, mountinfo: str) -> str:
    """Type of the filesystem that `path` (absolute, resolved) lies on; empty when unknown."""
    best, kind = -1, ""
    for line in mountinfo.splitlines():
        left, _, right = line.partition(" - ")
        fields = left.split()
        if len(fields) < 5 or not right:
            continue
        mount = Path(_unescape(fields[4]))
        if path.is_relative_to(mount) and len(mount.parts) >= best:  # the later mount covers the earlier
            best, kind = len(mount.parts), right.split()[0]
    return kind


def _unescape(text: str) -> str:
    """mountinfo writes space, tab, newline and backslash as octal."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)
