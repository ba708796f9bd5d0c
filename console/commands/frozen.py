"""The results of a year as they were submitted last.

Knows where frozen assessments are kept; knows no figure.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from console.context import Context


def standing_results(context: Context, year: int) -> bytes | None:
    """Return the exact results of the submission of a year that stands; None where none was frozen.

    Raises:
        StoreUnavailable, StoreError, SchemaOutdated
    """
    from engine.store import SubmissionBook

    with SubmissionBook.connect(context.database_url()) as book:
        standing = [one.submission for one in book.frozen() if one.year == year and one.stands]
        text = book.results(year, standing[0]) if standing else None
    return None if text is None else text.encode()
