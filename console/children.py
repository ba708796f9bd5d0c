"""Child processes of the command: started, watched and stopped, and never left behind.

Knows processes and signals; knows nothing of what the children do.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from console.errors import FailureError

STOP_S_MAX = 15.0
"""A child that does not end within this time of SIGTERM is killed."""
TELL_S = 5.0
"""Whoever waits for a child hears this often what it says."""
_LOGGED = re.compile(r"^[\d-]+ [\d:,]+ [A-Z]+ [\w.]+: ")
"""What a log puts before its words."""
LAST_LINES = 12
"""How much of what a child said on stderr is kept for an error message."""


class Child:
    """A running program of ours.

    Attributes:
        name: for messages.
        process: the process.
    """

    def __init__(
        self, name: str, arguments: Sequence[str], environ: Mapping[str, str], *, keep_stdout: bool = False
    ) -> None:
        """Start `python -m …` from a thread that lives as long as we do: the child ends with it, however it ends."""
        self.name = name
        self._said: deque[str] = deque(maxlen=LAST_LINES)
        self._printed: list[str] = []
        self.process = subprocess.Popen(  # noqa: S603  (our own programs, arguments as a list)
            [sys.executable, "-P", "-m", "console.leash", str(os.getpid()), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE if keep_stdout else subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            env={**environ, "PYTHONIOENCODING": "utf-8"},  # whatever the user's terminal can show
            encoding="utf-8",
            errors="replace",
            start_new_session=True,  # Ctrl-C is for us; we tell the children
        )
        self._readers = [threading.Thread(target=self._listen, name=f"{name}-stderr", daemon=True)]
        if keep_stdout:
            self._readers.append(threading.Thread(target=self._collect, name=f"{name}-stdout", daemon=True))
        for reader in self._readers:
            reader.start()

    def _listen(self) -> None:
        for line in self.process.stderr or ():
            self._said.append(line.rstrip())

    def _collect(self) -> None:
        for line in self.process.stdout or ():
            self._printed.append(line)

    @property
    def running(self) -> bool:
        """Whether it has not ended."""
        return self.process.poll() is None

    @property
    def said(self) -> str:
        """The last lines of its stderr."""
        return "\n".join(self._said)

    @property
    def last_words(self) -> str:
        """The same for the end of an error message."""
        return ":\n" + ("\n".join(f"  {line}" for line in self._said) or "  (it said nothing)")

    def wait_output(self) -> str:
        """Wait for its end and return its whole stdout."""
        self.process.wait()
        for reader in self._readers:
            reader.join()
        return "".join(self._printed)

    def failure(self) -> FailureError:
        """Return an error that says how it ended and what it said last."""
        self.process.wait()
        for reader in self._readers:
            reader.join(1.0)
        code = self.process.returncode
        how = f"was ended by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return FailureError(f"the {self.name} {how}{self.last_words}")

    def stop(self) -> None:
        """End it: SIGTERM, and SIGKILL when it does not obey in `STOP_S_MAX`."""
        if self.running:
            self.process.terminate()
            try:
                self.process.wait(STOP_S_MAX)
            except subprocess.TimeoutExpired:
                self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join(1.0)
        for stream in (self.process.stdout, self.process.stderr):
            if stream is not None:
                stream.close()


def write_ready(path: Path, facts: Mapping[str, object]) -> None:
    """Say in a file that this process is ready; the file appears whole or not at all."""
    new = path.with_suffix(".new")
    new.write_text(json.dumps({"pid": os.getpid(), **facts}))
    new.replace(path)


def read_ready(path: Path) -> dict[str, object] | None:
    """Return what a process said when it was ready, or None while it is not."""
    try:
        found = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return found if isinstance(found, dict) else None


def wait_ready(
    child: Child, path: Path, stop: threading.Event, seconds_max: float, waiting: Callable[[str], None] = lambda _: None
) -> dict[str, object] | None:
    """Wait until a child is ready; None when `stop` was set first. Now and then `waiting` is told what it says.

    Raises:
        FailureError: it ended, or took longer than allowed.
    """
    deadline = time.monotonic() + seconds_max
    tell_at = time.monotonic() + TELL_S
    while time.monotonic() < deadline:
        facts = read_ready(path)
        if facts is not None and facts.get("pid") == child.process.pid:
            return facts
        if not child.running:
            raise child.failure()
        if time.monotonic() >= tell_at:
            tell_at += TELL_S
            waiting(_LOGGED.sub("", child.said.rpartition("\n")[2]) or "it says nothing yet")
        if stop.wait(0.02):
            return None
    raise FailureError(
        f"the {child.name} was not ready within {seconds_max:.0f} s{child.last_words}",
        "start it again: what it had compiled by then is kept",
    )


@contextlib.contextmanager
def alone(lock: Path, what: str, remedy: str) -> Iterator[None]:
    """Hold a lock for the length of a `with` block; the kernel lets it go however this process ends.

    Raises:
        FailureError: another process holds it: `what` and `remedy`.
    """
    with lock.open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise FailureError(what, remedy) from None
        yield


@contextlib.contextmanager
def stopped_by_signals() -> Iterator[threading.Event]:
    """Yield an event that SIGINT and SIGTERM set; a second signal ends the process at once, the hard way."""
    stop = threading.Event()
    before: dict[int, object] = {}

    def wish(number: int, _frame: object) -> None:
        if stop.is_set():
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
        stop.set()

    for ours in (signal.SIGINT, signal.SIGTERM):
        before[ours] = signal.signal(ours, wish)
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]
