"""Knows the local stack as a whole: broker and database in one directory, found again, mended, stopped."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy import paths, userland
from deploy.broker import Broker
from deploy.database import Database
from deploy.process import Server

DATABASE_URL = "CITYVITALS_DATABASE_URL"
MQTT_URL = "CITYVITALS_MQTT_URL"


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the stack is reached."""

    database_url: str
    mqtt_url: str
    directory: Path


class Stack:
    """The servers of one directory. Making one starts nothing; several may look at the same directory.

    With `die_with_parent` a server ends when the thread that started it ends, however it ends: right for a test in the
    main thread, wrong for anything that should stay.
    """

    def __init__(self, directory: Path | None = None, *, die_with_parent: bool = False) -> None:
        self.directory = (directory or paths.stack()).absolute()
        self.database = Database(self.directory, die_with_parent=die_with_parent)
        self.broker = Broker(self.directory, die_with_parent=die_with_parent)

    @property
    def endpoints(self) -> Endpoints:
        """Where the stack is reached; a server given by the environment comes first."""
        return Endpoints(
            os.environ.get(DATABASE_URL) or self.database.url,
            os.environ.get(MQTT_URL) or self.broker.url,
            self.directory,
        )

    @property
    def servers(self) -> tuple[Server, ...]:
        """The servers that are ours to run: those the environment does not give."""
        given = {self.database: DATABASE_URL, self.broker: MQTT_URL}
        return tuple(server for server, variable in given.items() if not os.environ.get(variable))

    def running(self) -> bool:
        """Tell whether every server of ours runs and serves."""
        return all(server.pid is not None and server.ready() for server in self.servers)

    def up(self, progress: Callable[[str], None] = lambda _: None) -> Endpoints:
        """Start what does not run; two processes that do this at once take turns."""
        if self.servers:
            userland.build(progress)
        self.directory.mkdir(parents=True, exist_ok=True)
        with userland.locked(self.directory / "lock"):
            for server in self.servers:
                known = server.pid is not None
                server.start()
                progress(f"{server.name} {'runs' if known else 'started'} on port {server.port}")
        return self.endpoints

    def down(self) -> None:
        """Stop the broker, then the database, cleanly; nothing but what was started here is touched."""
        if not self.directory.is_dir():
            return
        with userland.locked(self.directory / "lock"):
            self.broker.stop()
            self.database.stop()


def up(directory: Path | None = None, *, progress: Callable[[str], None] = lambda _: None) -> Endpoints:
    """Bring up the stack of a directory, unpacking the servers first where that was not done yet."""
    return Stack(directory).up(progress)


def down(directory: Path | None = None) -> None:
    """Stop the stack of a directory cleanly."""
    Stack(directory).down()


def find(directory: Path | None = None) -> Endpoints | None:
    """Return where the running stack of a directory is reached, or None."""
    stack = Stack(directory)
    return stack.endpoints if stack.running() else None


@contextmanager
def temporary(directory: Path) -> Iterator[Stack]:
    """Run a stack for the length of a `with` block; even a killed caller leaves no server behind."""
    stack = Stack(directory, die_with_parent=True)
    try:
        stack.up()
        yield stack
    finally:
        stack.down()
