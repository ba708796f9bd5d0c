"""The schema: bringing it up to date, and telling whether it is.

Knows the migrations and the tool that runs them; knows no table. The tool is yoyo: numbered files of plain SQL. Two
things of it are replaced, because a migration may be killed at any moment. Its lock is a row, which a killed process
leaves behind for ever: here it is an advisory lock, which goes with its session. And it runs a migration on one
connection and notes it on another, so that a kill between the two leaves one that can neither be run nor skipped: here
both are one transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from yoyo import read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import parse_uri

from engine.store.errors import SchemaOutdated, StoreError, StoreUnavailable
from engine.store.policies import apply_policies
from engine.store.session import Session, one_line

FOLDER = Path(__file__).parent / "migrations"
STATEMENT_MS_MAX = 3_600_000
"""A migration of a large database may rewrite a table; no single statement may take longer than this."""
_NOTED_IN = "_yoyo_migration"


@dataclass(frozen=True, slots=True)
class SchemaState:
    """Which migrations a database has seen.

    Attributes:
        applied: in order.
        missing: known to this version, not yet applied.
        unknown: applied by a newer version.
    """

    applied: tuple[str, ...]
    missing: tuple[str, ...]
    unknown: tuple[str, ...]

    def require_current(self) -> None:
        """Refuse a database of another version.

        Raises:
            SchemaOutdated
        """
        if self.missing or self.unknown:
            raise SchemaOutdated(self.missing, self.unknown)


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo on one connection of ours; the module's docstring says what differs."""

    def __init__(self, connection: psycopg.Connection[Any]) -> None:
        self._given = connection
        super().__init__(parse_uri("postgresql+psycopg://"), _NOTED_IN)
        self._is_locked = True  # by `migrate`

    def connect(self, dburi: object) -> psycopg.Connection[Any]:  # noqa: ARG002  (the tool's signature)
        return self._given

    def apply_one(self, migration: Any, force: bool = False, mark: bool = True) -> None:
        with self.transaction():
            migration.process_steps(self, "apply", force=force)
            if mark:
                self.mark_one(migration, log=False)


def known_migrations(folder: Path = FOLDER) -> tuple[str, ...]:
    """Return the migrations of this version, in order."""
    return tuple(sorted(path.stem for path in folder.glob("[0-9]*.sql")))


def state_of(session: Session, folder: Path = FOLDER) -> SchemaState:
    """Return which migrations the database of a session has seen.

    Raises:
        StoreUnavailable, StoreError
    """
    ((noted,),) = session.rows("migrations_noted")
    applied = tuple(sorted(row[0] for row in session.rows("migrations_applied"))) if noted else ()
    known = known_migrations(folder)
    return SchemaState(
        applied,
        tuple(name for name in known if name not in applied),
        tuple(name for name in applied if name not in known),
    )


def schema_state(url: str) -> SchemaState:
    """Return which migrations a database has seen.

    Raises:
        StoreUnavailable, StoreError
    """
    session = Session(url, "cityvitals", STATEMENT_MS_MAX)
    try:
        return state_of(session)
    finally:
        session.close()


def check_schema(url: str) -> None:
    """Refuse a database whose tables are not of this version.

    Raises:
        SchemaOutdated
        StoreUnavailable, StoreError
    """
    schema_state(url).require_current()


def migrate(url: str, folder: Path = FOLDER) -> list[str]:
    """Bring a database up to date and return the migrations that were run, in order; none where it was already.

    Several processes may do this at once: they take turns. A kill at any moment leaves every migration either done or
    not begun. Also brings up to date what the server's edition allows, see `policies`.

    Raises:
        SchemaOutdated: a newer version has migrated it.
        StoreUnavailable: the server is away.
        StoreError: no TimescaleDB, no rights, or a migration that fails; the message says which.
    """
    session = Session(url, "cityvitals migrate", STATEMENT_MS_MAX)
    try:
        session.rows("migrations_lock")
        _prepare(session)
        state = state_of(session, folder)
        if state.unknown:
            raise SchemaOutdated((), state.unknown)
        backend = _Backend(session.connection)
        done = []
        for migration in backend.to_apply(read_migrations(str(folder))):
            try:
                backend.apply_one(migration)
            except psycopg.Error as error:
                raise StoreError(
                    f"migration {migration.id} failed and left nothing behind: {one_line(error)}"
                ) from error
            done.append(str(migration.id))
        apply_policies(session)
        return done
    finally:
        session.close()


def _prepare(session: Session) -> None:
    """Make what the migrations stand on: the extension and the schema."""
    try:
        session.run("extension")
    except StoreUnavailable:
        raise
    except StoreError as error:
        raise StoreError(
            f"the database has no TimescaleDB and it cannot be added: {error}; install it, name it in "
            "shared_preload_libraries, and run CREATE EXTENSION timescaledb in this database as its superuser"
        ) from error
    session.run("schema")
