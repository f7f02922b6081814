"""Puts walls around the process that runs statements, before anything else is imported into it, then starts `worker`.

Entering a namespace works only while a process has a single thread, and libraries start theirs on import: so nothing
but the standard library may be imported here at the top.
"""

import ctypes
import json
import os
import resource
import sys
from dataclasses import dataclass

_CLONE_NEWUSER, _CLONE_NEWNET = 0x10000000, 0x40000000
_MOST_FILES = 4_096
_LARGEST_FILE = 1 << 20


@dataclass(frozen=True)
class Walls:
    """The limits that the parent gives on the command line, as JSON."""

    lake_folders: list[str]
    memory_bytes: int
    threads: int
    characters: int
    nesting: int
    matrix_columns: int


def put_up(walls: Walls) -> bool:
    """Limit this process for good; True where it also left the network."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    files = min(_MOST_FILES, resource.getrlimit(resource.RLIMIT_NOFILE)[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, (files, files))
    resource.setrlimit(resource.RLIMIT_AS, (walls.memory_bytes, walls.memory_bytes))
    libc = ctypes.CDLL(None, use_errno=True)
    return hasattr(libc, "unshare") and libc.unshare(_CLONE_NEWUSER | _CLONE_NEWNET) == 0


if __name__ == "__main__":
    given = Walls(**json.loads(sys.argv[2]))
    alone = put_up(given)

    from biolake.sql.worker import main

    main(int(sys.argv[1]), given, network_namespace=alone)
