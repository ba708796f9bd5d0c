"""The store for those who only read: one connection on which the server itself refuses to write.

Knows which part answers what; holds no SQL.
"""

from __future__ import annotations

from typing import Self

from engine.store.errors import StoreError
from engine.store.opening import opened
from engine.store.records import StoreLimits
from engine.store.session import Session
from engine.store.store import STATEMENT_MS_MAX, Store


class Reader(Store):
    """A `Store` that cannot write, and that answers what only a console asks."""

    @classmethod
    def open(
        cls,
        url: str,
        *,
        city: str | None = None,
        application_name: str = "cityvitals reader",
        statement_timeout_ms: int = STATEMENT_MS_MAX,
    ) -> Self:
        """Return a reader on a database whose schema is up to date.

        Args:
            url: as for `Store.connect`.
            city: code of the city whose database this must be; None for any.
            application_name: how this process is named to others.
            statement_timeout_ms: a statement that takes longer is given up as StoreUnavailable.

        Raises:
            SchemaOutdated: the database's tables are of another version.
            StoreUnavailable, StoreError: the latter also where it holds another city.
        """
        return opened(url, application_name, statement_timeout_ms, lambda session: cls._on(session, city))

    @classmethod
    def _on(cls, session: Session, city: str | None) -> Self:
        session.run("read_only")
        reader = cls(session, StoreLimits())
        reader._require_city(city)
        return reader

    @property
    def session(self) -> Session:
        """The connection, for the reading modules of this folder: `series`, `pages`."""
        return self._session

    def _require_city(self, city: str | None) -> None:
        stored = self.city()
        if city is not None and stored not in (None, city):
            raise StoreError(f"the database holds city {stored!r}, not {city!r}: give the database of {city!r}")
