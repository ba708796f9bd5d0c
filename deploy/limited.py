"""Knows a database server whose disk has a size of its own, so that "the disk is full" can be tried out.

The data lie on a disk made of memory (see `userland.on_small_disk`), which only the processes within its namespace can
see. A keeper lives there (`deploy.keeper`): it holds the disk while the server is killed and started again, starts the
server and fills the disk, as it is told line by line on its stdin.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from pathlib import Path

from deploy import userland
from deploy.database import Database
from deploy.errors import StackError

DISK_BYTES = 384 * 1024**2
"""Enough for a small city: an empty server takes 45 MB, each database 8 MB."""
DONE, FAILED = "done", "failed"
"""How the keeper's answers begin."""
_KEEPER_SECONDS_MAX = 30.0


class LimitedDatabase(Database):
    """A `Database` on a small disk; use as a context manager. The disk goes at its end, and with it the data.

    Args:
        directory: for its log, password and the place of the disk.
        disk_bytes: size of the disk, which is memory while it is used.
    """

    def __init__(self, directory: Path, *, disk_bytes: int = DISK_BYTES) -> None:
        super().__init__(directory.absolute(), die_with_parent=True)
        self.disk_bytes = disk_bytes
        self._keeper: subprocess.Popen[str] | None = None

    def __enter__(self) -> LimitedDatabase:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def start(self) -> None:
        """Start the server unless it runs; the first start makes the disk. The port may be another than before."""
        self._ask("start")

    def fill(self) -> int:
        """Leave no byte on the disk; returns how many there were."""
        return int(self._ask("fill"))

    def free(self) -> None:
        """Take the ballast away. A server that gave up meanwhile has to be started again."""
        self._ask("free")

    def close(self) -> None:
        """Stop the server and give the disk back."""
        self.stop()
        keeper, self._keeper = self._keeper, None
        if keeper is None:
            return
        for stream in (keeper.stdin, keeper.stdout):
            if stream is not None:
                with contextlib.suppress(BrokenPipeError):
                    stream.close()
        try:
            keeper.wait(_KEEPER_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            keeper.kill()
            keeper.wait()

    def _ask(self, what: str) -> str:
        """Tell the keeper to do something and return what it answers."""
        if self._keeper is None:
            self.state.mkdir(parents=True, exist_ok=True)
            (self.directory / "database.made").unlink(missing_ok=True)  # of an earlier disk
            program = [sys.executable, "-P", "-m", "deploy.keeper", str(self.directory)]
            line = userland.on_small_disk(userland.require(), self.state, self.disk_bytes, program)
            self._keeper = subprocess.Popen(line, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        answer = ""
        if self._keeper.stdin is not None and self._keeper.stdout is not None:
            with contextlib.suppress(BrokenPipeError):
                self._keeper.stdin.write(what + "\n")
                self._keeper.stdin.flush()
                answer = self._keeper.stdout.readline().rstrip("\n")
        word, _, rest = answer.partition(" ")
        if word != DONE:
            fix = f"it needs a user namespace within a user namespace: {userland.NAMESPACES_FIX}"
            raise StackError(rest or f"the keeper of {self.state} ended (what it said is above); {fix}")
        return rest
