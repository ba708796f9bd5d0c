"""Annual assessments that were submitted: freezing one, and reading it as it was.

Knows their table; knows no figure. There is no statement that changes a row.
"""

from __future__ import annotations

from typing import NamedTuple

from engine.store.access import STATEMENT_MS_MAX, AuditEntry, note
from engine.store.binary import Timestamp
from engine.store.opening import Opened, opened
from engine.store.session import Session


class FrozenRow(NamedTuple):
    """An assessment to be frozen."""

    year: int
    frozen_us: int
    by: str
    manifest: str | None
    """SHA-256 of the manifest of its bundle; None where none was written."""
    digest: str
    """SHA-256 of the results."""
    results: str
    """Exact, as text of JSON, which is kept character by character."""


class FrozenReading(NamedTuple):
    """A frozen assessment, without its results."""

    year: int
    submission: int
    stands: bool
    """Whether no later one of its year was submitted."""
    frozen_us: int
    by: str
    manifest: str | None
    digest: str


class Froze(NamedTuple):
    """What freezing did."""

    submission: int
    added: bool
    """False where the last submission of the year is the very same: it stands as it is."""


class SubmissionBook(Opened):
    """A connection to the assessments that were submitted."""

    @classmethod
    def connect(cls, url: str) -> SubmissionBook:
        """Return a book on a database whose schema is up to date.

        Raises:
            SchemaOutdated: the database's tables are of another version.
            StoreUnavailable, StoreError
        """
        return opened(url, "cityvitals assessments", STATEMENT_MS_MAX, cls)

    def freeze(self, row: FrozenRow, entry: AuditEntry) -> Froze:
        """Keep an assessment as the next submission of its year, with an entry in the audit."""
        params = {
            "year": row.year, "now": Timestamp(row.frozen_us), "by": row.by, "manifest": row.manifest,
            "digest": row.digest, "results": row.results,
        }  # fmt: skip
        with self._session.transaction():
            self._session.run("assessment_lock")
            ((submission, added),) = self._session.rows("assessment_freeze", params)
            if added:
                note(self._session, entry)
        return Froze(submission, added)

    def frozen(self) -> list[FrozenReading]:
        """Return every frozen assessment, the newest year first and of it the newest submission."""
        return frozen(self._session)

    def results(self, year: int, submission: int) -> str | None:
        """Return the results of one, character by character; None where there is no such."""
        found = self._session.rows("assessment_results", {"year": year, "submission": submission})
        return next((text for (text,) in found), None)


def frozen(session: Session) -> list[FrozenReading]:
    """Return every frozen assessment, the newest year first and of it the newest submission.

    Raises:
        StoreUnavailable, StoreError
    """
    return [FrozenReading(*row) for row in session.rows("assessments")]
