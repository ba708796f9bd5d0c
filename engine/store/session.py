"""One connection to the database: opening it, its errors in our words, its statements, its locks.

Knows the driver and how to reach the server; knows no table.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import psycopg

from engine.store import binary
from engine.store.errors import NotOwned, OwnedByAnother, StoreError, StoreUnavailable
from engine.store.queries import query

log = logging.getLogger("engine")

CONNECT_S_MAX = 10
LOCK_CLASS = 0x63697479
"""First key of our advisory locks, so that they meet no other program's in the same database."""
GHOST_MS_MAX = 5_000
"""How long the end of a former session of ours is waited for."""

Params = Mapping[str, Any]

# A server that vanished without a word is noticed within 25 s, and a vanished client by the server.
_KEEPALIVE: Mapping[str, Any] = {
    "keepalives": 1,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 25_000,
}
_SERVER_SETTINGS = {
    "search_path": "cityvitals,public",
    "timezone": "UTC",
    # A plan for arrays and times of unknown size is a bad one, and planning costs less than a wrong plan.
    "plan_cache_mode": "force_custom_plan",
    "jit": "off",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
    # A client that hangs inside a transaction would hold its locks for ever.
    "idle_in_transaction_session_timeout": "120s",
}
# Classes of SQLSTATE that pass: connection, rollback by the server, resources, operator, system; and two single ones:
# a transaction left idle too long, a lock not got.
_TRANSIENT_CLASSES = frozenset({"08", "40", "53", "57", "58"})
_TRANSIENT_STATES = frozenset({"25P03", "55P03"})
_WORKER_LOST = "lost connection to parallel worker"
"""How a server that is killed may end a query that it shares out; its SQLSTATE 55000 says much else as well."""


class Duty(IntEnum):
    """What an owner does with its partition: the gateway appends, the engine flushes."""

    APPEND = 0
    FLUSH = 1


def no_step(_name: str) -> None:
    """Do nothing at a step; tests put something that breaks in its place."""


def one_line(error: psycopg.Error) -> str:
    """Return what the server or the driver says, fit for a line of a log."""
    lines = [line.strip() for line in str(error).splitlines()]
    return "; ".join(line for line in lines if line) or type(error).__name__


def translated(error: psycopg.Error) -> StoreError:
    """Return an error of the driver in our words."""
    state = error.sqlstate
    text = one_line(error)
    if state is None:
        # The driver itself complains: of a connection that broke, or of how it is used.
        lost = isinstance(error, psycopg.OperationalError | psycopg.InterfaceError)
        return StoreUnavailable(text) if lost else StoreError(text)
    passes = state[:2] in _TRANSIENT_CLASSES or state in _TRANSIENT_STATES or _WORKER_LOST in text
    return (StoreUnavailable if passes else StoreError)(f"{text} (SQLSTATE {state})")


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn the driver's errors into the store's."""
    try:
        yield
    except psycopg.Error as error:
        raise translated(error) from error


def open_connection(url: str, application_name: str, statement_timeout_ms: int) -> psycopg.Connection[Any]:
    """Return a new connection in autocommit mode.

    Raises:
        StoreUnavailable: the server does not answer, or refuses for now.
        StoreError: it refuses for good: the URL, the password or the database's name is wrong.
    """
    settings = {**_SERVER_SETTINGS, "statement_timeout": str(statement_timeout_ms)}
    try:
        connection = psycopg.connect(
            url,
            autocommit=True,
            prepare_threshold=None,
            connect_timeout=CONNECT_S_MAX,
            application_name=application_name,
            options=" ".join(f"-c {name}={value}" for name, value in settings.items()),
            **_KEEPALIVE,
        )
    except psycopg.ProgrammingError as error:
        raise StoreError(f"the database URL cannot be read: {one_line(error)}") from error
    except psycopg.Error as error:
        raise _refusal(error) from error
    binary.register(connection)
    return connection


def _refusal(error: psycopg.Error) -> StoreError:
    """Tell a server that is away from one that will never let us in; libpq gives no SQLSTATE for either."""
    text = one_line(error)
    if any(words in text for words in ("authentication failed", "no pg_hba.conf entry", "no password supplied")):
        return StoreError(f"the database does not let us in: {text}; check user and password of the database URL")
    if "does not exist" in text:
        return StoreError(f"{text}; create it, or correct the database URL")
    return StoreUnavailable(f"the database cannot be reached: {text}")


class Session:
    """One connection, used by one thread. The rest of the store works through it."""

    def __init__(
        self, url: str, application_name: str, statement_timeout_ms: int, step: Callable[[str], None] = no_step
    ) -> None:
        self._url, self._application_name, self._timeout_ms = url, application_name, statement_timeout_ms
        self.step = step
        """Called with a name wherever a crash would be interesting; tests break something there."""
        self._stages: set[str] = set()
        self._owned: set[tuple[int, Duty]] = set()
        self._ghosts: set[tuple[int, int]] = set()
        self._open()

    def _open(self) -> None:
        self._connection = open_connection(self._url, self._application_name, self._timeout_ms)
        self._pid: int
        self._since_us: int
        ((self._pid, self._since_us),) = self.rows("session_self")

    @property
    def pid(self) -> int:
        """The server's process that serves this session."""
        return self._pid

    @property
    def connection(self) -> psycopg.Connection[Any]:
        """The driver's connection, for the migration tool."""
        return self._connection

    def close(self) -> None:
        """Close the connection; what it owned is free when this returns, unless the server is away."""
        if self._owned and not self._connection.closed:
            try:
                # The server would do so by itself, but only some time after we are gone.
                self.rows("own_release")
            except StoreUnavailable as error:
                log.debug("the server will notice by itself that we are gone: %s", error)
        self._drop()

    def _drop(self) -> None:
        self._owned.clear()
        self._stages.clear()
        self._connection.close()

    def reconnect(self) -> None:
        """Replace the connection by a new one, which owns nothing.

        Raises:
            StoreUnavailable: the server is still away.
        """
        # The server may not yet know that the old connection is gone, and hold its locks.
        self._ghosts.add((self._pid, self._since_us))
        self._drop()
        self._open()

    def own(self, partition: int, duty: Duty) -> None:
        """Take the right to write a partition's series; it lasts as long as this connection.

        An advisory lock of the session: it is gone when the session is, and not before the session's last
        transaction is settled, so that a new owner sees all that the former one did.

        Raises:
            OwnedByAnother: another session has it.
            StoreUnavailable, StoreError
        """
        if (partition, duty) in self._owned:
            return
        params = {"class": LOCK_CLASS, "key": partition * 2 + duty, "wait_ms": GHOST_MS_MAX}
        for _ in range(2):
            ((taken,),) = self.rows("own_take", params)
            if taken:
                self._owned.add((partition, duty))
                return
            holders = self.rows("own_holder", params)
            if not holders:
                continue  # it went between the two statements
            pid, since_us, holder = holders[0]
            if (pid, since_us) not in self._ghosts:
                raise OwnedByAnother(partition, duty.name.lower(), holder)
            self.rows("own_end_ghost", {"pid": pid, **params})
        raise OwnedByAnother(partition, duty.name.lower(), "a session that comes and goes")

    def require(self, partition: int, duty: Duty) -> None:
        """Refuse to go on without owning a partition.

        Raises:
            NotOwned
        """
        if (partition, duty) not in self._owned:
            raise NotOwned(partition, duty.name.lower())

    def rows(self, name: str, params: Params | None = None) -> list[tuple[Any, ...]]:
        """Run a statement of `queries/` and return its rows; times come as int microseconds.

        Raises:
            StoreUnavailable, StoreError
        """
        with our_errors():
            cursor = self._connection.execute(query(name), params, binary=True)
            return cursor.fetchall() if cursor.description else []

    def run(self, name: str, params: Params | None = None) -> int:
        """Run a statement of `queries/` and return how many rows it touched.

        Raises:
            StoreUnavailable, StoreError
        """
        with our_errors():
            return self._connection.execute(query(name), params, binary=True).rowcount

    def stream(self, name: str, params: Params, fetch: int) -> Iterator[tuple[Any, ...]]:
        """Run a query and give its rows as they come, `fetch` at a time, so that memory stays bounded.

        Raises:
            StoreUnavailable, StoreError
        """
        with self.transaction(), self._connection.cursor("stream", binary=True) as cursor:
            cursor.itersize = fetch
            cursor.execute(query(name), params)
            yield from cursor

    def copy(self, name: str, body: bytes | memoryview) -> None:
        """Run a `COPY … FROM STDIN (FORMAT binary)` of `queries/` on rows made by `binary.rows`.

        Raises:
            psycopg.errors.UniqueViolation: as it is, because it is an answer to the caller's question.
            StoreUnavailable, StoreError
        """
        try:
            with self._connection.cursor() as cursor, cursor.copy(query(name)) as copy:
                copy.write(body)
        except psycopg.errors.UniqueViolation:
            raise
        except psycopg.Error as error:
            raise translated(error) from error

    def copy_out(self, name: str, params: Params | None = None) -> Iterator[bytes]:
        """Run a `COPY … TO STDOUT` of `queries/` and give its lines as they come, so that memory stays bounded.

        Raises:
            StoreUnavailable, StoreError
        """
        with our_errors(), self._connection.cursor() as cursor, cursor.copy(query(name), params) as copy:
            for line in copy:
                yield bytes(line)

    def copy_rows(self, name: str, types: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
        """Run a binary COPY on Python rows: for few rows, or rows with text.

        Raises:
            StoreUnavailable, StoreError
        """
        with our_errors(), self._connection.cursor() as cursor, cursor.copy(query(name)) as copy:
            copy.set_types(types)
            for row in rows:
                copy.write_row(row)

    def stage(self, name: str) -> None:
        """Make a temporary table of `queries/` once per connection. Call it outside a transaction.

        Raises:
            StoreUnavailable, StoreError
        """
        if name not in self._stages:
            self.run(name)
            self._stages.add(name)

    @contextmanager
    def transaction(self, *, keep: bool = True) -> Iterator[None]:
        """Do all of the block, or nothing; nothing in the end without `keep`.

        Raises:
            StoreUnavailable: also when the answer to COMMIT is lost; whether it took place is then not known.
            StoreError
        """
        try:
            with self._connection.transaction(force_rollback=not keep):
                yield
        except psycopg.errors.UniqueViolation:
            raise
        except psycopg.Error as error:
            raise translated(error) from error
