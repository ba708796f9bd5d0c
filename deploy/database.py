"""Knows the database server of the local stack: TimescaleDB on PostgreSQL in the userland."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from deploy import userland
from deploy.errors import StackError
from deploy.process import LOOPBACK, Server, wait_until

NAME = "cityvitals"
"""The database and its owner."""

_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,62}")
_STATUS_LINE = 7  # of postmaster.pid: what `pg_ctl --wait` reads
_ORPHAN_SECONDS_MAX = 60.0


class Database(Server):
    """PostgreSQL with TimescaleDB, on the loopback only, with a password of its own."""

    name = "database"
    port_taken = "could not bind"
    stop_signal = signal.SIGINT  # PostgreSQL's fast stop: open transactions are undone, then a checkpoint

    settings: Mapping[str, str] = MappingProxyType({})
    """Settings of this server beside those of `postgresql.conf`."""

    @property
    def url(self) -> str:
        """Where clients connect, with the password."""
        return f"postgresql://{NAME}:{quote(self._password())}@{LOOPBACK}:{self.port}/{NAME}"

    @property
    def _data(self) -> Path:
        return self.state / "data"

    @property
    def _secret(self) -> Path:
        return self.directory / "database.password"

    def _password(self) -> str:
        return self._secret.read_text().strip()

    def start(self) -> None:
        """Start the server unless it runs, with its database made, and return when it serves."""
        super().start()
        self.make(NAME)

    def make(self, name: str) -> str:
        """Make a database of the running server unless that was done, and return its URL."""
        if not self.made(name):
            create_database(_at(self.url, "postgres"), name)
            self._mark(name).touch()
        return _at(self.url, name)

    def made(self, name: str) -> bool:
        """Tell whether `make` made a database of this name here; asks no server."""
        return self._mark(name).exists()

    def _mark(self, name: str) -> Path:
        return self.directory / ("database.made" if name == NAME else f"database.{_checked(name)}.made")

    def prepare(self, port: int) -> Sequence[str]:
        """Make the cluster, or see that nobody is left in it; TCP only: a socket path has 107 bytes at most."""
        if self._data.is_dir():
            self._settle()
        else:
            self._create()
        settings = {
            "config_file": "/settings/postgresql.conf",
            "listen_addresses": LOOPBACK,
            "port": str(port),
            "unix_socket_directories": "",
            **self.settings,
        }
        line = ["postgres", "-D", f"{userland.STATE}/data"]
        for key, value in settings.items():
            line += ["-c", f"{key}={value}"]
        return line

    def _create(self) -> None:
        """Make an empty cluster beside its place and move it there, so that a broken attempt does not count."""
        work = self.state / "unfinished"
        shutil.rmtree(work, ignore_errors=True)
        if not self._secret.exists():
            new = self._secret.with_suffix(".new")
            new.touch(mode=0o600)
            new.write_text(secrets.token_urlsafe(24))
            new.replace(self._secret)
        line = ["initdb", "--pgdata", f"{userland.STATE}/unfinished", "--username", NAME, "--pwfile", "/dev/stdin"]
        line += ["--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C.UTF-8", "--data-checksums"]
        userland.run(userland.require(), line, state=self.state, text=self._password() + "\n")
        work.rename(self._data)

    def ready(self) -> bool:
        """Tell whether the server says it takes connections, and whether it is ours that says so."""
        try:
            lines = (self._data / "postmaster.pid").read_text().splitlines()
        except OSError:
            return False
        return len(lines) > _STATUS_LINE and lines[0] == str(self.pid) and lines[_STATUS_LINE].strip() == "ready"

    def _settle(self) -> None:
        """Wait until the children of a killed server are gone, and remove a lock file that names a stranger.

        After a reboot, or in a restarted container, the process id in the lock file may belong to anything; the
        server would then refuse to start for ever. Whoever works in the data has it as working directory.
        """
        if not wait_until(lambda: not _processes_in(self._data), _ORPHAN_SECONDS_MAX):
            pids = ", ".join(map(str, _processes_in(self._data)))
            raise StackError(f"{self._data} is in use by processes {pids}: end them (`kill {pids}`) and try again")
        (self._data / "postmaster.pid").unlink(missing_ok=True)


def create_database(server_url: str, name: str) -> str:
    """Make a database with the TimescaleDB extension on a running server and return its URL."""
    _psql(server_url, f'CREATE DATABASE "{_checked(name)}"', may_exist=True)
    url = _at(server_url, name)
    _psql(url, "CREATE EXTENSION IF NOT EXISTS timescaledb")
    return url


def drop_database(server_url: str, name: str) -> None:
    """Remove a database made by `create_database`, whoever is still connected to it."""
    _psql(_at(server_url, "postgres"), f'DROP DATABASE IF EXISTS "{_checked(name)}" WITH (FORCE)')


def _checked(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise StackError(f"{name!r} cannot name a database: use small letters, digits, - and _, at most 63")
    return name


def _at(url: str, name: str) -> str:
    return urlunsplit(urlsplit(url)._replace(path=f"/{name}"))


def _psql(url: str, statement: str, *, may_exist: bool = False) -> None:
    """Run a statement with the userland's psql; the password goes by the environment, which others cannot read."""
    parts = urlsplit(url)
    env = {
        "PGHOST": parts.hostname or LOOPBACK,
        "PGPORT": str(parts.port or 5432),
        "PGUSER": unquote(parts.username or NAME),
        "PGPASSWORD": unquote(parts.password or ""),
        "PGDATABASE": parts.path.lstrip("/") or NAME,
        "PGCONNECT_TIMEOUT": "10",
        "PGOPTIONS": "-c client_min_messages=warning",
    }
    try:
        userland.run(
            userland.require(),
            ["psql", "--no-psqlrc", "--quiet", "--set", "ON_ERROR_STOP=1", "--command", statement],
            env=userland.environment(**env),
        )
    except StackError as fault:
        if not (may_exist and "already exists" in str(fault)):
            raise


def _processes_in(folder: Path) -> list[int]:
    """Return the processes whose working directory is this folder, whatever it is called in their namespace."""
    wanted = folder.stat()
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            there = os.stat(process / "cwd")  # noqa: PTH116  (one call, in a loop over all processes)
        except OSError:
            continue  # gone meanwhile, or another user's
        if (there.st_dev, there.st_ino) == (wanted.st_dev, wanted.st_ino):
            found.append(int(process.name))
    return found
