"""Knows how to hold a small disk and the database server on it, as long as stdin is open.

Run as `python -m deploy.keeper DIRECTORY`. One line in is one thing to do: `start`, `fill` (the disk) or `free` (it
again). One line out says `done`, with the figure asked for, or `failed` and why. Runs within the namespace that sees
the disk; `deploy.limited` is outside.
"""

from __future__ import annotations

import errno
import sys
from pathlib import Path
from types import MappingProxyType

from deploy.database import Database
from deploy.errors import StackError
from deploy.limited import DONE, FAILED

BALLAST = "ballast"
_PIECE = bytes(1 << 20)


class _Small(Database):
    """The server as it has to be where there is little room."""

    # By default the log of changes may take more than the whole disk before old parts of it are used again.
    settings = MappingProxyType({"min_wal_size": "32MB", "max_wal_size": "96MB"})

    def fill(self) -> int:
        """Take every free byte of the disk; returns how many there were.

        Written until nothing is left and not measured before: the server writes meanwhile.
        """
        size = 0
        with (self.state / BALLAST).open("ab", buffering=0) as ballast:
            try:
                while True:
                    size += ballast.write(_PIECE)
            except OSError as fault:
                if fault.errno != errno.ENOSPC:
                    raise
        return size

    def free(self) -> None:
        """Give them back."""
        (self.state / BALLAST).unlink(missing_ok=True)


def main() -> None:
    """Do what stdin says until it ends; then the server is stopped, and the disk is gone."""
    server = _Small(Path(sys.argv[1]), die_with_parent=True)
    things = {"start": server.start, "fill": server.fill, "free": server.free}
    for line in sys.stdin:
        try:
            result = things[line.strip()]()
        except (StackError, OSError, KeyError) as fault:
            answer = f"{FAILED} {' '.join(str(fault).split())}"
        else:
            answer = f"{DONE} {'' if result is None else result}"
        sys.stdout.write(answer + "\n")
        sys.stdout.flush()
    server.stop()


if __name__ == "__main__":
    main()
