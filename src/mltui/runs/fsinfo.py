"""On which file system a folder lies, and how much room is there.

Asked before a project's `.mltui` is used: SQLite's WAL and the runner's lock need shared memory and
locks that network file systems don't give (sqlite.org/wal.html, "does not work over a network").
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from mltui.errors import JournalError

_NETWORK = frozenset(
    {
        "9p", "acfs", "afs", "beegfs", "ceph", "cifs", "coda", "davfs", "gfs2", "glusterfs",
        "gpfs", "lustre", "ncp", "ncpfs", "nfs", "nfs4", "ocfs2", "orangefs", "prl_fs", "pvfs2",
        "smb", "smb2", "smb3", "smbfs", "vboxsf", "vmhgfs",
    }
)  # fmt: skip
_NETWORK_FUSE = re.compile(
    r"fuse\.(sshfs|s3fs|mount-s3|goofys|gcsfuse|blobfuse2?|rclone|davfs2?|curlftpfs|ceph|glusterfs"
    r"|moosefs|mfs|juicefs|lizardfs|seaweedfs|vmhgfs-fuse|smbnetfs|afpfs|cvmfs2?|hdfs.*|nfs.*)"
)
_MOUNTS = Path("/proc/self/mounts")


def file_system(folder: Path) -> tuple[str, str]:
    """Type and mount point of the file system `folder` is (or would be) on; ("", "/") unknown.

    By the longest mount point above it (proc(5), /proc/PID/mounts); of several mounts in one
    place the last one is in force.
    """
    try:
        lines = _MOUNTS.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return "", "/"
    path = os.path.realpath(folder)
    best = ("", "/")
    for line in lines:
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), fields[1])
        is_above = path == point or path.startswith(point.rstrip("/") + "/")
        if is_above and (not best[0] or len(point) >= len(best[1])):
            best = (fields[2], point)
    return best


def refuse_network(folder: Path) -> None:
    """JournalError when `folder` is on a network file system, naming its type and mount point."""
    kind, point = file_system(folder)
    if kind in _NETWORK or _NETWORK_FUSE.fullmatch(kind):
        raise JournalError(
            f"{folder} is on a network file system ({kind} at {point}), where a journal can be "
            "damaged: keep the project on a local disk, or make `.mltui` a link to a folder there"
        )
