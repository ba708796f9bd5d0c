"""A connection for one kind of work: opened on tables of this version, closed at the end and wherever it fails.

Knows the session and the version of its tables; knows no statement.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from engine.store.migrate import state_of
from engine.store.session import Session, no_step

T = TypeVar("T")


def opened(
    url: str,
    application_name: str,
    statement_ms_max: int,
    make: Callable[[Session], T],
    step: Callable[[str], None] = no_step,
) -> T:
    """Return what is made of a new session, which is closed where that fails.

    Args:
        url, application_name: see `Store.connect`.
        statement_ms_max: a statement that takes longer is given up as StoreUnavailable.
        make: takes the session, whose tables are of this version; whoever has what it returns closes it.
        step: for tests; see `Session`.

    Raises:
        SchemaOutdated: the database's tables are of another version.
        StoreUnavailable, StoreError
    """
    session = Session(url, application_name, statement_ms_max, step)
    try:
        state_of(session).require_current()
        return make(session)
    except BaseException:
        session.close()
        raise


class Opened:
    """What answers on a session of its own, until it is closed. Not for several threads at once."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; what it owned is free at once."""
        self._session.close()
