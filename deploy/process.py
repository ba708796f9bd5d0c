"""Knows one server process in the userland: start, find again, kill, stop; must not know which server it is."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import signal
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from pathlib import Path

from deploy import paths, userland
from deploy.errors import StackError

START_SECONDS_MAX = 300.0
"""A database that replays its log after a crash may need long; a server that exits is noticed at once."""
STOP_SECONDS_MAX = 60.0
POLL_SECONDS = 0.02
PORT_ATTEMPTS_MAX = 5
LOOPBACK = "127.0.0.1"

_children: set[int] = set()
"""The bubblewraps this process started, to be collected when they end."""


class Server(ABC):
    """One server with its own folder; survives the process that started it, and is found again by another."""

    name: str
    port_taken: str
    """What the server's log says when its port belongs to somebody else."""

    def __init__(self, directory: Path, *, die_with_parent: bool = False) -> None:
        self.directory = directory
        self.die_with_parent = die_with_parent

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.directory)!r}, pid={self.pid}, port={self.port})"

    # What a particular server adds

    @abstractmethod
    def prepare(self, port: int) -> Sequence[str]:
        """Make what the server needs before it starts on this port, and return its command line inside."""

    @abstractmethod
    def ready(self) -> bool:
        """Tell whether the running server serves."""

    @property
    @abstractmethod
    def stop_signal(self) -> signal.Signals:
        """The signal for a clean stop."""

    # What all servers share

    @property
    def state(self) -> Path:
        """The folder the server sees as its own."""
        return self.directory / self.name

    @property
    def log(self) -> Path:
        """The file with everything the server says."""
        return self.directory / f"{self.name}.log"

    @property
    def _record(self) -> Path:
        return self.directory / f"{self.name}.json"

    def _recorded(self) -> dict[str, int | str]:
        try:
            record = json.loads(self._record.read_text())
        except (OSError, ValueError):
            return {}
        return record if isinstance(record, dict) else {}

    @property
    def port(self) -> int | None:
        """The port last used; it is kept when the server starts again, unless somebody else has taken it."""
        port = self._recorded().get("port")
        return port if isinstance(port, int) else None

    @property
    def pid(self) -> int | None:
        """The process id of the running server itself, or None. Another process that got the same id is not it."""
        _collect()
        record = self._recorded()
        pid = record.get("pid")
        if isinstance(pid, int) and record.get("birth") == birth(pid):
            return pid
        return None

    def start(self) -> None:
        """Start the server unless it runs, and return when it serves."""
        if self.pid is not None:
            self._wait_ready(self.log.stat().st_size if self.log.exists() else 0)
            return
        self.state.mkdir(parents=True, exist_ok=True)
        port = self.port
        for attempt in range(PORT_ATTEMPTS_MAX):
            if port is None or not free(port):
                port = free_port()
            program = self.prepare(port)
            said = self.log.stat().st_size if self.log.exists() else 0
            self._spawn(program, port, said)
            try:
                self._wait_ready(said)
            except StackError:
                # Between our look and the server's bind somebody may have taken the port.
                if self.port_taken not in self._tail(said) or attempt + 1 == PORT_ATTEMPTS_MAX:
                    raise
                port = None
            else:
                return

    def kill(self) -> None:
        """Kill the server as a power cut would (SIGKILL) and return when the process is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Stop the server cleanly, so that it writes everything it holds; kill it when it does not obey."""
        self.resume()  # a paused one could not obey
        self._end(self.stop_signal)

    def pause(self) -> None:
        """Let the server and its children do nothing (SIGSTOP), until `resume`: there, and silent."""
        told: set[int] = set()
        # It may start a child before the signal reaches it.
        while fresh := [pid for pid in self.pids() if pid not in told]:
            self._tell(fresh, signal.SIGSTOP)
            told.update(fresh)

    def resume(self) -> None:
        """Let a paused server go on."""
        self._tell(self.pids(), signal.SIGCONT)

    def pids(self) -> list[int]:
        """The server's own process, which is the first to be told, and its children; empty when it does not run."""
        pid = self.pid
        return [] if pid is None else [pid, *children(pid)]

    @staticmethod
    def _tell(pids: Sequence[int], what: signal.Signals) -> None:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # a child that ended meanwhile
                os.kill(pid, what)

    def _end(self, how: signal.Signals) -> None:
        pid = self.pid
        if pid is None:
            return
        for signal_ in (how, signal.SIGKILL):
            # Through a descriptor the signal cannot reach a stranger that got the id meanwhile.
            with contextlib.suppress(ProcessLookupError):
                handle = os.pidfd_open(pid)
                try:
                    if self.pid == pid:
                        signal.pidfd_send_signal(handle, signal_)
                finally:
                    os.close(handle)
            if wait_until(lambda: self.pid is None, STOP_SECONDS_MAX):
                break

    def _spawn(self, program: Sequence[str], port: int, said: int) -> None:
        """Start bubblewrap in a session of its own and note the id of the server inside.

        Not by `subprocess`: that warns of every process which outlives the object that started it, as these should.
        """
        reader, writer = os.pipe()
        options = ["--info-fd", str(writer)]
        if self.die_with_parent:
            options.append("--die-with-parent")
        line = userland.command(userland.require(), program, state=self.state, settings=paths.SETTINGS, options=options)
        os.set_inheritable(writer, True)
        spawned: list[tuple[int, ...] | tuple[int, int, str, int, int]] = [
            (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
            (os.POSIX_SPAWN_OPEN, 1, str(self.log), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
            (os.POSIX_SPAWN_DUP2, 1, 2),
        ]
        try:
            child = os.posix_spawn(line[0], line, userland.environment(), file_actions=spawned, setsid=True)
        finally:
            os.close(writer)
        _children.add(child)
        with os.fdopen(reader) as info:
            text = info.read()
        try:
            pid = int(json.loads(text)["child-pid"])
        except (ValueError, KeyError):
            wait_until(lambda: birth(child) is None, STOP_SECONDS_MAX)
            raise self._failure(self._tail(said)) from None
        record = {"pid": pid, "birth": birth(pid), "port": port}
        new = self._record.with_suffix(".new")
        new.write_text(json.dumps(record))
        new.replace(self._record)

    def _wait_ready(self, said: int) -> None:
        if not wait_until(lambda: self.pid is None or self.ready(), START_SECONDS_MAX) or self.pid is None:
            raise self._failure(self._tail(said))

    def _tail(self, start: int) -> str:
        with self.log.open("rb") as log:
            log.seek(start)
            return log.read(65536).decode(errors="replace")

    def _failure(self, said: str) -> StackError:
        last = " | ".join(line.strip() for line in said.splitlines()[-4:]) or "it said nothing"
        return StackError(f"the {self.name} did not start: {last} (all of it in {self.log}){userland.hint(said)}")


def _collect() -> None:
    for child in tuple(_children):
        try:
            ended = os.waitpid(child, os.WNOHANG)[0] == child
        except ChildProcessError:
            ended = True  # somebody else's handler collected it
        if ended:
            _children.discard(child)


def birth(pid: int) -> str | None:
    """Return what tells this process from a later one with the same id, or None when it is gone (or only a zombie)."""
    try:
        after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None
    return None if after_name[0] in "ZX" else f"{boot} {after_name[19]}"


def children(pid: int) -> list[int]:
    """Return the processes that this process started."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            after_name = (process / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue  # gone meanwhile
        if int(after_name[1]) == pid:
            found.append(int(process.name))
    return found


def wait_until(condition: Callable[[], bool], seconds_max: float) -> bool:
    """Poll until the condition holds; tell whether it did in time."""
    deadline = time.monotonic() + seconds_max
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def free_port() -> int:
    """Let the kernel choose a free port on the loopback."""
    with socket.socket() as probe:
        probe.bind((LOOPBACK, 0))
        port: int = probe.getsockname()[1]
        return port


def free(port: int) -> bool:
    """Tell whether a server could listen on this port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError as fault:
            if fault.errno == errno.EADDRINUSE:
                return False
            raise
        return True
