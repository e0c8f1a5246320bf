"""A ledger stays off filesystems whose locks lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from keelwatch.ledger.place import filesystem_of, refuse_network_filesystem
from keelwatch.workspace import SourceError

MOUNTS = """\
22 27 0:21 / / rw,relatime shared:1 - ext4 /dev/vda rw
30 22 0:40 / /home rw - nfs4 server:/home rw
31 30 0:41 / /home/local rw - ext4 /dev/vdb rw
32 22 0:42 / /mnt/my\\040share rw - cifs //server/share rw
33 22 0:43 / /mnt/over rw - ext4 /dev/vdc rw
34 22 0:44 / /mnt/over rw - fuse.sshfs host: rw
35 22 0:45 / /mnt/fuse rw - fuse.gocryptfs x rw
"""


@pytest.mark.parametrize(
    "path", ["/home/ada/.local/state", "/mnt/my share/keelwatch", "/mnt/over", "/mnt/over/deep/er"]
)
def test_network_filesystems_are_refused_with_a_remedy(path: str) -> None:
    with pytest.raises(SourceError, match="network filesystem") as caught:
        refuse_network_filesystem(Path(path), MOUNTS)
    assert "KEELWATCH_STATE" in caught.value.hint


@pytest.mark.parametrize("path", ["/var/lib/keelwatch", "/home/local/ada", "/homestead", "/mnt/fuse/x"])
def test_local_filesystems_are_not(path: str) -> None:
    refuse_network_filesystem(Path(path), MOUNTS)


def test_the_later_mount_covers_the_earlier() -> None:
    assert filesystem_of(Path("/mnt/over/x"), MOUNTS) == "fuse.sshfs"


def test_where_nothing_is_known_nothing_is_refused() -> None:
    assert filesystem_of(Path("/x"), "") == ""
    refuse_network_filesystem(Path("/x"), "")
